"""The grammar of parts in Python."""

from pathlib import Path

import pytest

from unsee import InputError, create
from unsee.parts import resolve_parts
from unsee.recipes import recipe, recipes
from unsee.registry import available, part, resolve, settings_of
from unsee.registry import parse as parse_spec
from unsee.registry.grammar import split_words


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("methods", "rise", ("rise", "", {})),
        ("methods", "rise:samples=40, cells=5", ("rise", "", {"samples": "40", "cells": "5"})),
        ("infillers", "lama:big-lama.pt", ("lama", "", {"weights": "big-lama.pt"})),
        (
            "infillers",
            "painter:w.pt,samples=4",
            ("painter", "", {"weights": "w.pt", "samples": "4"}),
        ),
        ("sources", "efficientnet_lite0", ("efficientnet_lite0", "", {})),
        ("sources", "timm:vit_b.orig_in21k", ("timm", "vit_b.orig_in21k", {})),
        ("sources", "file:a,b.pt,share=1", ("file", "a,b.pt", {"share": "1"})),
        (
            "sources",
            "file:model.safetensors,architecture=timm:resnet18,mean=0.5,0.5,0.5",
            ("file", "model.safetensors", {"architecture": "timm:resnet18", "mean": "0.5,0.5,0.5"}),
        ),
        ("sources", "package.module:function", ("factory", "package.module:function", {})),
        ("datasets", "voc:/data/VOC,split=train", ("voc", "/data/VOC", {"split": "train"})),
        (
            "datasets",
            "mosaics:a,b, classifier='file:m.pt,mean=0,1,architecture=x' ,count=3",
            ("mosaics", "a,b", {"classifier": "'file:m.pt,mean=0,1,architecture=x'", "count": "3"}),
        ),
        (
            "datasets",
            "voc:John's,split='a,difficult=1",
            ("voc", "John's", {"split": "'a", "difficult": "1"}),
        ),
    ],
)
def test_specifications_are_parsed(kind, text, expected) -> None:
    assert tuple(parse_spec(kind, text)) == expected


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("file:x.pt,mean=0.5,0.4,0.3", "mean", (0.5, 0.4, 0.3)),
        ("file:x.pt,mean=[.5, .4]", "mean", (0.5, 0.4)),
        ("file:x.pt,share=1", "share", 1.0),
        ("file:x.pt,labels=123", "labels", "123"),
        ("blackbox:a:b,tensors=true", "tensors", True),
        ("blackbox:a:b,outputs=logits", "outputs", "logits"),
    ],
)
def test_texts_become_values_of_the_type_of_the_field(text, field, value) -> None:
    made = getattr(resolve("sources", text), field)
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("methods", "rise:sample=4", "did you mean 'samples'"),
        ("methods", "rise:zzzzz=4", "cells, samples, keep, coverage"),
        ("methods", "rise:samples", "expected NAME:setting=value"),
        ("methods", "rise:samples=4.5", "expected samples = int, got '4.5'"),
        ("methods", "gradient:steps=4", "setting"),
        ("methods", "recipe:rise:4", "expected recipe:NAME:setting=value"),
        ("infillers", "grey:sigma=4", "grey has no settings"),
        ("sources", "blackbox:a:b,tensors=1", "expected tensors = true | false, got '1'"),
        ("sources", "models/net.pt", "file:models/net.pt"),
    ],
)
def test_wrong_specifications_are_refused(kind, text, words) -> None:
    with pytest.raises(InputError, match=words.replace("|", r"\|")):
        resolve(kind, text)


def test_instances_are_returned_as_they_are() -> None:
    method = create("methods", "rise")
    assert resolve("methods", method) is method
    with pytest.raises(InputError, match="require a name, not an instance"):
        resolve("methods", method, samples=3)
    with pytest.raises(InputError, match="expected the name or an instance of a Method, got int"):
        resolve("methods", 5)
    with pytest.raises(InputError, match=r"make an instance: RISE\(\)"):
        resolve("methods", part("methods", "rise"))


@pytest.mark.parametrize("value", ["many", 0.5, True, None])
def test_values_of_another_type_are_refused(value) -> None:
    with pytest.raises(InputError, match="rise: expected samples = int, got"):
        create("methods", "rise", samples=value)


def test_lists_of_names_are_split_at_commas_between_names() -> None:
    words = ("a,b", "c:x=1,y=2,d", "recipe:e-f:z=1,g", "file:p,q.pt,share=1", "c:m=0.5,0.5")
    assert split_words(words) == (
        "a", "b", "c:x=1,y=2", "d", "recipe:e-f:z=1", "g", "file:p,q.pt,share=1", "c:m=0.5,0.5",
    )  # fmt: skip


@pytest.mark.parametrize("name", recipes())
def test_recipes_make_their_parts(name) -> None:
    published = recipe(name)
    method, infiller, measure = resolve_parts(f"recipe:{name}")
    assert published.summary
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in published.method.items()}
    assert plain.items() <= settings_of(method).items()
    assert published.infiller.items() <= settings_of(infiller).items()
    assert measure.__name__ == published.measure == method.traits.measure


@pytest.mark.parametrize(
    ("method", "infiller", "sigma"),
    [
        ("mp", None, 10),
        ("mp", "own", 10),
        ("mp", "blur", 10),
        ("mp", "blur:kernel=0", 50),
        ("mp", "blur:sigma=3", 3),
        ("rise", "blur", 50),
        ("recipe:extremal_perturbation", "blur", 20),
        ("recipe:rise", "blur", 50),
    ],
)
def test_published_infiller_settings_hold_for_its_name_alone(method, infiller, sigma) -> None:
    assert resolve_parts(method, infiller).infiller.sigma == sigma


@pytest.mark.parametrize("name", available("methods"))
def test_settings_do_not_collide_with_arguments_of_explain(name) -> None:
    import inspect

    from unsee import explain

    arguments = inspect.signature(explain).parameters
    names = {field for field in settings_of(create("methods", name)) if field != "name"}
    assert names & set(arguments) <= {"cells"}  # a number there is the setting of the method


INJECTED = [
    ("sources", "file:{}", "a.pt,trust=true"),
    ("sources", "file:{},labels=b.txt", "a.pt,trust=true"),
    ("sources", "file:./{}", "a.pt,trust=true"),
    ("sources", "file:{}", "w.pt,architecture=pwn:net"),
    ("sources", "file:{}", "w.pt,architecture=pwn:net,mean=0,0,0"),
    ("sources", "file:w.pt,labels={}", "l.txt,trust=true"),
    ("sources", "timm:resnet18,weights={}", "w.pt,share=1"),
    ("sources", 'file:"{}"', 'a.pt",trust=true,labels="x'),
    ("sources", 'file:"{}",share=1', 'a.pt",trust=true,labels="x'),
    ("sources", "{}", "pwn:net,labels=l.onnx"),
    ("sources", "{}", "pwn:net"),
    ("sources", "{}", "file:a.pt,trust=true"),
    ("sources", "blackbox:{}", "pwn:net,labels=l.onnx"),
    ("sources", "blackbox:{}", "pwn:net"),
    ("sources", "factory:{}", "pwn:net"),
    ("sources", "file:w.pt,architecture={}", "pwn:net"),
    ("infillers", "lama:{}", "lama.pt,trust=true"),
    ("infillers", "lama:weights={}", "lama.pt,trust=true"),
    ("infillers", "lama:{}", "weights=lama.pt,trust=true"),
    ("datasets", "{}", "mosaics:sub,trust=true,classifier=pwn:net"),
    ("datasets", "{}", "voc:sub"),
    ("datasets", "mosaics:{}", "sub,trust=true"),
    ("datasets", "mosaics:voc:{}", "sub,trust=true"),
    ("datasets", "mosaics:sub,classifier=file:{}", "m.pt,trust=true"),
    ("sources", "file:{}", "a.pt,trust=true,"),
    ("sources", "file:{}", "a.pt,trust=true "),
    ("sources", "file:{}", " a.pt,trust=true"),
    ("sources", "file:{},share=1", "a.pt,trust=true ,"),
    ("sources", "file:{},", "a.pt,trust=true "),
    ("sources", "file: {}", "a.pt,trust=true\n"),
    ("sources", "file:{}", "a.pt "),
    ("sources", "{}", "pwn:net "),
    ("sources", "{}", " pwn:net,"),
    ("sources", "blackbox:{}", "pwn:net "),
    ("sources", "file:w.pt,architecture={}", " pwn:net"),
    ("sources", "file:w.pt,architecture={},share=1", "pwn:net "),
    ("infillers", "lama:{}", "lama.pt,trust=true,"),
    ("infillers", "imagined:by=lama:{}", "a.pt,trust=true"),
    ("infillers", "imagined:by=lama:weights={}", "a.pt,trust=true"),
    ("infillers", "imagined:by=lama:{}", "a.pt,trust=true "),
    ("methods", "rise:cells=labels:{}", "m.png,samples=4"),
    ("datasets", "{}", "mosaics:sub,trust=true,classifier=pwn:net "),
    ("datasets", "mosaics:{}", "sub,trust=true,classifier=pwn:net,"),
    ("datasets", "mosaics:{}", "sub "),
    ("datasets", 'mosaics:sub,classifier="file:{}"', 'm.pt",trust=true,seed="3'),
]


@pytest.mark.parametrize(("kind", "text", "name"), INJECTED)
def test_the_name_of_a_file_becomes_no_setting_and_no_code(
    kind, text, name, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parse_spec(kind, text.format(name))  # as long as there is no such file
    Path(name).write_bytes(b"")
    with pytest.raises(InputError, match="is also the name of a file"):
        parse_spec(kind, text.format(name))


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("sources", 'file:"a.pt,trust=true"', ("file", "a.pt,trust=true", {})),
        ("sources", "file:'a.pt,trust=true',share=1", ("file", "a.pt,trust=true", {"share": "1"})),
        ("sources", 'file:"a.pt",trust=true', ("file", "a.pt", {"trust": "true"})),
        ("sources", "file:a,b.pt", ("file", "a,b.pt", {})),
        ("sources", "timm:resnet18", ("timm", "resnet18", {})),
        ("sources", "file:./pwn:net", ("file", "./pwn:net", {})),
        ("infillers", 'lama:"a.pt,trust=true"', ("lama", "", {"weights": "a.pt,trust=true"})),
        ("datasets", 'voc:"a.pt,trust=true"', ("voc", "a.pt,trust=true", {})),
        ("datasets", "./voc:sub", ("./voc", "sub", {})),
        ("methods", "rise:samples=4,cells=5", ("rise", "", {"samples": "4", "cells": "5"})),
    ],
)
def test_a_file_is_named_in_quotes_or_with_its_folder(
    kind, text, expected, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.pt,trust=true", "a,b.pt", "timm:resnet18", "voc:sub", "rise:samples=4,cells=5"):
        Path(name).write_bytes(b"")
    assert tuple(parse_spec(kind, text)) == expected


def test_the_name_of_a_file_becomes_no_second_classifier(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert split_words(("file:a.pt,pwn:net",)) == ("file:a.pt", "pwn:net")
    assert split_words(('file:"a.pt,pwn:net"',)) == ('file:"a.pt,pwn:net"',)
    for name, text in (
        ("a.pt,pwn:net", "file:{}"), ("a.pt,pwn:net", "timm:x,weights={}"), ("x,pwn:net", "{}"),
        ("b.pt,trust=true ", "file:{}"), ("c.pt,trust=true ", "file:{},timm:x"),
        ("e:net ", "{}"), (" f:net", "timm:x,{}"), ("g:net ", "{},timm:x"),
    ):  # fmt: skip
        Path(name).write_bytes(b"")
        with pytest.raises(InputError, match="is also the name of a file"):
            split_words((text.format(name),))
    Path("tide,rise").write_bytes(b"")
    assert split_words(("tide,rise",)) == ("tide", "rise")


def test_a_specification_has_a_bounded_number_of_settings() -> None:
    with pytest.raises(InputError, match="at most 100 settings"):
        parse_spec("sources", "file:a" + ",b=1" * 101)
