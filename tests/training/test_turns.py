"""A turn computes what its players pay for, and nothing else."""

import pytest
from cases import CASES, fix

from keras_aegan import rollout
from keras_aegan.training.turns import turns

#: What the critic judges in its own turn, and in the creators'.
JUDGED = {
    "began": (["data", "generated"], ["generated"]),
    "ebgan": (["data", "generated"], ["generated"]),
    "gan": (["data", "generated"], ["generated"]),
    "gan-hinge": (["data", "generated"], ["generated"]),
    "gan-relativistic": (["data", "generated"], ["data", "generated"]),
    "magan": (["data", "generated"], ["generated"]),
    "wae_gan": (["prior_codes", "codes"], ["codes"]),
}


@pytest.mark.parametrize("name", JUDGED)
def test_fakes_are_judged_once_a_turn_and_data_once_a_step(name, monkeypatch):
    case = CASES[name]
    model = fix(case.build())
    model.updates = "alternating"
    model.compile("sgd")
    data = model.spec.to_networks(case.data())
    judged = []
    judge = rollout.Rollout._judge

    def noted(self, critic, what):
        if (critic, what) not in self._judged:
            judged.append(what)
        return judge(self, critic, what)

    monkeypatch.setattr(rollout.Rollout, "_judge", noted)
    judged_in, terms = [], set()
    for players in turns(model):
        judged.clear()
        _, values = model._pay(data, players, model.networks, training=True)
        judged_in.append(sorted(judged))
        terms |= set(values)
    assert judged_in == [sorted(turn) for turn in JUDGED[name]]
    # All that is logged comes of one of the turns.
    assert terms == set(model.payments)
