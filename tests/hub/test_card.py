import json

import pytest
from huggingface_hub import ModelCard

from keras_aegan.hub.card import model_card

METADATA = {
    "keras_aegan_version": "0.1.0",
    "keras_version": "3.15.1",
    "date_saved": "2026-01-01T00:00:00+00:00",
    "description": "Digits.",
    "data_shape": [28, 28, 1],
    "latent_dim": 32,
    "parameter_count": {"total": 1234567},
    "networks": {
        "generator": {
            "input_shape": [32],
            "output_shape": [28, 28, 1],
            "parameters": 1234567,
        },
    },
}
ENCODER = {"input_shape": [28, 28, 1], "output_shape": [32], "parameters": 5}


def front_matter(card):
    start, head, _ = card.split("---\n", 2)
    assert start == ""
    pairs = (line.split(": ", 1) for line in head.splitlines())
    return {name: json.loads(value) for name, value in pairs}


def test_front_matter():
    head = front_matter(
        model_card(
            {
                **METADATA,
                "license": "cc-by-4.0",
                "datasets": ["ylecun/mnist"],
                "tags": ["gan", "digits"],
            },
            preset="aegan_mnist",
        )
    )
    assert head["library_name"] == "keras-aegan"
    assert head["pipeline_tag"] == "unconditional-image-generation"
    assert head["license"] == "cc-by-4.0"
    assert head["datasets"] == ["ylecun/mnist"]
    assert head["tags"].count("gan") == 1 and "digits" in head["tags"]


def test_front_matter_does_not_claim_what_it_does_not_know():
    head = front_matter(
        model_card({**METADATA, "data_shape": [64]}, preset="./mine")
    )
    assert head["license"] == "unknown"
    assert "pipeline_tag" not in head and "datasets" not in head


MEASURED = {
    "error": {"value": 9.5, "type": "mae", "samples": 100},
    "spread": 0.98,
}


def test_results_as_the_hub_reads_them():
    about = {**METADATA, "measured": MEASURED, "datasets": ["ylecun/mnist"]}
    card = ModelCard(model_card(about, preset="hf://me/mine"))
    assert card.data.metrics == ["mae"]
    assert card.data.model_name == "mine"
    (result,) = card.data.eval_results
    assert result.task_type == "unconditional-image-generation"
    assert result.dataset_type == "ylecun/mnist"
    assert (result.metric_name, result.metric_value) == ("error", 9.5)


@pytest.mark.parametrize(
    "known", [{}, {"datasets": ["me/waves"], "data_shape": [64, 1]}]
)
def test_no_results_for_a_task_or_a_dataset_that_is_not_known(known):
    about = {**METADATA, "measured": MEASURED, **known}
    head = front_matter(model_card(about, preset="./mine"))
    assert head["metrics"] == ["mae"]
    assert "model-index" not in head


def test_the_example_of_what_cannot_generate():
    networks = METADATA["networks"] | {"encoder": ENCODER}
    metadata = {**METADATA, "networks": networks, "generates": False}
    card = model_card(metadata, preset="./mine")
    assert "generate(" not in card
    assert "codes = model.encode(data)" in card
    assert "pipeline_tag" not in front_matter(card)


@pytest.mark.parametrize("encoder", [True, False])
def test_the_example_uses_what_the_model_has(encoder):
    networks = dict(METADATA["networks"])
    if encoder:
        networks["encoder"] = ENCODER
    card = model_card({**METADATA, "networks": networks}, preset="./mine")
    assert 'AEGAN.from_preset("./mine")' in card
    assert ("model.encode(" in card) == encoder
    code = card.split("```python\n")[1].split("```")[0]
    compile(code, "card", "exec")
    lines = [line for line in code.splitlines() if line]
    assert len(lines) == (5 if encoder else 3)


def test_networks_table():
    card = model_card(METADATA, preset="./mine")
    assert "| `generator` | 32 | 28 × 28 × 1 | 1,234,567 |" in card


def test_training_and_quality_are_told_where_known():
    card = model_card(METADATA, preset="./mine")
    assert "Not recorded." in card and "Not measured." in card
    card = model_card(
        {
            **METADATA,
            "trained_on": {"name": "MNIST", "samples": 60000},
            "command": "keras-aegan train",
            "steps": 5000,
            "measured": {
                "FID": {"value": 3.5, "samples": 10000, "features": "a|b"},
                "MAE": 0.1,
            },
            "limits": ["Only digits."],
        },
        preset="./mine",
        pictures=["samples.png"],
    )
    assert "* Data: name: MNIST, samples: 60000" in card
    assert "* Command: `keras-aegan train`" in card
    assert "* Steps: 5000" in card
    assert r"| FID | 3.5 | 10000 | features: a\|b |" in card
    assert "| MAE | 0.1 | not recorded |  |" in card
    assert "* Only digits." in card
    assert "![samples.png](samples.png)" in card
