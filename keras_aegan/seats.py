"""Which network may take which seat, and what each of them pays."""

from keras_aegan.critics import outputs_of, results_of
from keras_aegan.losses import Loss
from keras_aegan.priors import PRIORS
from keras_aegan.training.turns import CREATORS, CRITICS


def check_seats(seats, prior):
    """Refuses networks that do not fit each other."""
    if "generator" not in seats:
        raise ValueError(
            "The generator's seat is never empty: expected a keras.Model."
        )
    for seat, network in seats.items():
        if not getattr(network, "inputs", None) or not network.built:
            raise ValueError(
                f"Expected the {seat} to be a Functional or Sequential model "
                "with a known input shape. Received: "
                f"{type(network).__name__}. Start it with `keras.Input(shape)`."
            )
        _check_results(seat, network)
        for layer in network._flatten_layers():
            _check_layer(seat, layer)
    if isinstance(prior, str) and prior not in PRIORS:
        raise ValueError(
            f"Expected prior to be one of {sorted(PRIORS)}, a keras.Model or "
            f"None. Received: prior={prior!r}"
        )
    generator = seats["generator"]
    code, data = generator.input_shape[1:], generator.output_shape[1:]
    what = {code: "codes", data: "data"}

    def fit(seat, side, expected, tensor):
        received = tuple(tensor.shape[1:])
        if received != expected:
            raise ValueError(
                f"The {seat}'s {side} does not fit the generator: expected "
                f"{what[expected]} of shape {expected}, received {received}. "
                f"The generator maps codes {code} to data {data}."
            )

    for seat in ("encoder", "second_encoder"):
        if seat in seats:
            fit(seat, "input", data, seats[seat].inputs[0])
            for output in seats[seat].outputs:
                fit(seat, "output", code, output)
    if "discriminator" in seats:
        critic = seats["discriminator"]
        fit("discriminator", "input", data, critic.inputs[0])
        outputs = outputs_of(critic)
        if isinstance(outputs, dict) and "reconstruction" in outputs:
            reconstruction = outputs["reconstruction"]
            fit("discriminator", "reconstruction", data, reconstruction)
    if "latent_discriminator" in seats:
        *first, last = seats["latent_discriminator"].inputs
        for tensor in first:
            fit("latent_discriminator", "first input", data, tensor)
        fit("latent_discriminator", "input", code, last)
    if "prior" in seats:
        fit("prior", "output", code, seats["prior"].outputs[0])


def _check_layer(seat, layer):
    """Refuses a layer with a loss of its own."""
    call = getattr(type(layer).call, "__code__", None)
    if layer.activity_regularizer is not None:
        found = "has an activity_regularizer"
    elif call is not None and "add_loss" in call.co_names:
        found = "calls add_loss"
    else:
        return
    raise ValueError(
        f"The layer {layer.name} of the {seat} {found}, which nobody would "
        "pay: a network is run on several things in a step. Say what is to be "
        "paid by a loss: `losses.CodeNormLoss`, or `losses.KLDivergenceLoss` "
        "for an encoder that gives a mean and a log-variance."
    )


def _check_results(seat, network):
    """Refuses a network with other inputs or outputs than its seat allows."""
    inputs = 2 if seat == "latent_discriminator" else 1
    if len(network.inputs) > inputs:
        raise ValueError(
            f"Expected the {seat} to have {' or '.join('12'[:inputs])} "
            f"input(s). Received: {len(network.inputs)}."
        )
    outputs = outputs_of(network)
    if seat in CRITICS:
        results_of(network)
    elif seat == "encoder" and isinstance(outputs, dict):
        if set(outputs) != {"mean", "log_variance"}:
            raise ValueError(
                "Expected the encoder to give codes, or a dict of 'mean' and "
                f"'log_variance'. Received: {sorted(outputs)}"
            )
    elif len(network.outputs) != 1 or isinstance(outputs, dict):
        raise ValueError(
            f"Expected the {seat} to have one output. Received: "
            f"{len(network.outputs)}."
        )


def payments(losses, seats):
    """Each term's payers and weights, for the seats that are filled."""
    owed, trained = {}, set()
    for loss in losses:
        if not isinstance(loss, Loss):
            raise ValueError(
                "Expected losses to be a list of keras_aegan.losses.Loss. "
                f"Received: {loss!r}"
            )
        # Those of a network that it holds are that network's own.
        for variable in loss._trainable_variables:
            raise ValueError(
                f"The loss '{loss.name}' has the trainable variable "
                f"'{variable.name}', which no player would train. Make it with "
                "`add_weight(..., trainable=False)`, or a layer of a network."
            )
        for seat in loss.seats:
            if seat not in seats:
                raise ValueError(
                    f"The loss '{loss.name}' needs the {seat} seat, which is "
                    f"empty. Give AEGAN a {seat}, or leave the loss away."
                )
        _check_needs(loss, seats)
        for term, payers in loss.terms().items():
            if term in owed:
                raise ValueError(
                    f"Two losses have a term '{term}'. Give one of them "
                    "another name: `name=...`."
                )
            if unknown := sorted(set(payers) - {*CREATORS, *CRITICS}):
                raise ValueError(
                    f"Expected the payers of the term '{term}' to be some of "
                    f"{(*CREATORS, *CRITICS)}. Received: {unknown}"
                )
            owed[term] = {
                seat: weight
                for seat, weight in payers.items()
                if seat in seats and seats[seat].trainable_variables
            }
            trained |= {
                seat
                for seat, weight in owed[term].items()
                if weight and seat in (*CRITICS, *loss.path)
            }
    for seat, network in seats.items():
        if network.trainable_variables and seat not in trained:
            raise ValueError(
                f"No loss trains the {seat}. Add one that it pays for, freeze "
                f"it (`trainable = False`), or leave it away. Received: losses="
                f"{[loss.name for loss in losses]}"
            )
    return owed


def _check_needs(loss, seats):
    """Refuses a loss whose networks do not give what it looks at."""
    for seat, results in loss.needs.items():
        results = (results,) if isinstance(results, str) else results
        given = outputs_of(seats[seat])
        if not isinstance(given, dict):
            given = results_of(seats[seat]) if seat in CRITICS else ("codes",)
        if missing := [result for result in results if result not in given]:
            raise ValueError(
                f"The loss '{loss.name}' needs the {seat} to give "
                f"'{missing[0]}'. "
                f"Received: a {seat} that gives {sorted(given)}. Build it with "
                "a dict of outputs by these names; the functions of "
                "`keras_aegan.networks` have an option for it."
            )
    critic = seats.get(getattr(loss, "critic", None))
    if critic is not None and len(critic.inputs) != loss.inputs:
        raise ValueError(
            f"The loss '{loss.name}' needs a {loss.critic} with {loss.inputs} "
            f"input(s). Received: one with {len(critic.inputs)}."
        )
