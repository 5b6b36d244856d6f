def test_the_head_says_what_was_trained_and_how_far_it_got(run):
    run.start()
    run.watch(50, pair_accuracy=0.5)
    run.epoch(1, 1000, loss=1.0)
    run.epoch(2, 2000, loss=0.5)
    run.end(2000, 3725.0)
    text = run.page().text
    assert "aegan: training report" in text
    assert "2,000 steps 2 epochs 1 h 2 min of training" in text
    assert "discriminator 123,456 parameters encoder 123,457 param" in text
    assert "jax, Keras 3.15.1, keras_aegan 0.1.0" in text
    assert "Started 2026-11-24 19:00:00" in text
    assert "The training has ended." in text
    assert "resumed" not in text


def test_without_an_end_the_training_runs_or_was_cut(run):
    run.start()
    run.watch(1, 61.0, pair_accuracy=0.5)
    text = run.page().text
    assert "1 step 0 epochs 1 min 1 s of training" in text
    assert "The training runs, or was cut short" in text
    assert "has ended" not in text


def test_a_resumed_training_says_so_and_sums_its_time(run):
    run.start()
    run.watch(20, 60.0, a=2.0)
    run.start(10, time="2026-11-25T08:00:00")
    run.end(20, 50.0)
    text = run.page().text
    assert "It resumed at step 10; steps that were trained again are" in text
    assert "20 steps 0 epochs 1 min 50 s of training" in text
    assert "Started 2026-11-24" in text


def test_verdicts_say_when_they_were_seen_the_latest_first(run):
    run.start()
    run.verdict(20, "encoder_stalls", "The encoder stalls.")
    run.verdict(120, "saturated", "Won 96 %.")
    run.watch(120, pair_accuracy=0.9)
    run.verdict(1320, "saturated", "Won 97 %. Raise gamma.")
    text = run.page().text
    assert "Won 97 %. Raise gamma." in text
    assert "Won 96 %" not in text
    seen = "Seen 2 times, from step 120 (after 1 epoch) to step 1,320 (after 13"
    assert seen in text
    assert "The encoder stalls. Seen once, at step 20 (after 0" in text
    assert text.index("Raise gamma") < text.index("encoder stalls")
    assert "Nothing wrong" not in text


def test_no_verdict_is_good_news_only_if_something_was_watched(run):
    run.start()
    text = run.page().text
    assert "Nothing was watched yet." in text
    assert "Nothing wrong" not in text
    run.watch(1, a=1.0)
    run.watch(2, a=1.0)
    assert "Nothing wrong was seen in 2 steps watched." in run.page().text
