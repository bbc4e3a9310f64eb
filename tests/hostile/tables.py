"""Plans and tables in TOML that are hostile, and specifications of parts."""

from functools import partial

from tests.hostile import toy
from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, Command, case

FAMILY = "tables"
GOOD = (
    f'data = "data"\nclassifiers = ["{toy.NAME}"]\nmethods = ["{toy.METHOD}"]\nmetrics = ["gini"]\n'
)
TEXTS = {
    "nothing": "", "no TOML": "this is = = not", "deep": "a = " + "[" * 50_000 + "]" * 50_000,
    "deep tables": "[" + ".".join("a" * 20_000) + "]\n",
    "deep keys": ".".join("a" * 50_000) + " = 1",
    "5000 digits": "seed = " + "9" * 5000, "an unknown key": 'colour = "red"\n',
    "data as a number": "data = 3\n", "methods as text": 'methods = "rise"\n',
    "methods of numbers": "methods = [1, 2]\n", "methods null": "methods = []\n",
    "a seed of text": 'seed = "a"\n', "a seed of infinity": "seed = inf\n",
    "a batch of 0": "batch = 0\n",
    "a batch of -1": "batch = -1\n", "a batch of a billion digits": "batch = 1" + "0" * 30 + "\n",
    "a limit of NaN": "limit = nan\n", "a limit of -1": "limit = -1\n",
    "a date": "data = 2020-01-01\n",
    "a table as data": "[data]\nx = 1\n", "paper as a number": "paper = 3\n",
    "paper of numbers": "paper = [1, 2]\n", "paper as text": 'paper = "x"\n',
    "paper without keys": "[[paper]]\nx = 1\n",
    "paper of text": '[[paper]]\nmethod = "a"\nmetric = "gini"\nvalue = "high"\n',
    "paper of infinity": '[[paper]]\nmethod = "a"\nmetric = 3\nvalue = inf\n',
    "names as a number": "names = 1\n", "a name of a number": "[[names]]\nmethod = 1\nlabel = 2\n",
    "claims of text": 'claims = "x"\n', "stages as a number": "stages = 3\n",
    "a stage as text": 'stages = ["a"]\n', "a stage without a name": "[[stages]]\nlimit = 1\n",
    "a stage that leads upwards": '[[stages]]\nname = "../up"\n',
    "a stage of a device": '[[stages]]\nname = "nul"\n',
    "a stage in a stage": '[[stages]]\nname = "a"\n[[stages.stages]]\nname = "b"\n',
    "a column of text": '[[stages]]\nname = "a"\ncolumns = ["gini"]\n',
    "a chance of NaN": '[[stages]]\nname = "a"\n'
    'columns = [{metric = "gini", label = "x", chance = nan}]\n',
    "a claim of numbers": "[[claims]]\nbetter = 1\nworse = 2\nmetrics = 3\n",
    "a summary of a number": "summary = 5\n", "the same key twice": "seed = 1\nseed = 2\n",
    "a classifier that is no model": 'classifiers = ["os:getcwd"]\n',
    "not UTF-8": b"data = '\xff'\n", "a null character": b"data = 'a\x00b'\n",
    "utf-16 without a mark": GOOD.encode("utf-16-le"), "controls": 'data = "\\u001b[2J"\n',
}  # fmt: skip


def _plan(arena, content: str | bytes, whole=False):
    arena.photo("data/a.png")
    name = arena.write("plan.toml", content)
    words = () if whole else ("--data", "data", "--classifier", toy.NAME, "--metrics", "gini")
    methods = ("--trust",) if whole else ("--methods", toy.METHOD)
    return Command(
        ("evaluate", "--plan", name, *words, *methods, "--target", "top1", "--out", "out")
    )


NOT_OVERRIDDEN = {
    "methods as text", "methods of numbers", "methods null", "data as a number", "a date",
    "a table as data", "a classifier that is no model", "controls", "a null character",
}  # fmt: skip
"""Texts whose values a command line with all options would replace."""
MAY = {"nothing", "paper of infinity", "a batch of a billion digits"}
for _name, _text in TEXTS.items():
    _expected = EITHER if _name in MAY else REFUSED
    case(FAMILY, f"plan with {_name}", _expected)(
        partial(_plan, content=_text, whole=_name in NOT_OVERRIDDEN)
    )


@case(FAMILY, "plan with a byte order mark", ACCEPTED)
def _(arena):
    return _plan(arena, b"\xef\xbb\xbf" + GOOD.encode(), whole=True)


@case(FAMILY, "plan that is good", ACCEPTED)
def _(arena):
    return _plan(arena, GOOD, whole=True)


for _name in ("none.toml", ".", "/dev/zero", "/dev/stdin", "x" * 5000 + ".toml", "a\0.toml",
              "../../precious.txt", "\x1b[2J.toml", "/etc/passwd"):  # fmt: skip

    def _named(arena, name=_name):
        arena.photo("data/a.png")
        return [
            Command(("evaluate", "--plan", name, "--data", "data", "--out", "out")),
            Command(("report", "run", "--plan", name, "--out", "out")),
        ]

    case(FAMILY, f"plan called {_name[:30]!r}")(_named)

SPECS = (
    "rise:samples=-1", "rise:samples=0", "rise:samples=nan", "rise:samples=1e999", "rise:samples=",
    "rise:samples=\u00b2", "rise:samples=\u0665", "rise:samples=" + "9" * 5000, "rise:samples=0x5",
    "rise:samples=1_0", "rise:samples=true", "rise:samples=[1]", "rise:samples={a=1}", "rise:x=1",
    "rise:samples=" + "[" * 20_000, "rise:samples='" + "x" * 100_000 + "'", "rise:cells=0",
    "rise:cells=-3", "rise:cells=1000000000", "rise:probability=2", "rise:probability=nan",
    "rise:probability=-inf", "rise:,,,", "rise:=", "rise:=1", "rise::::",
    "rise:samples=1,samples=2",
    "", " ", ":", "rise samples=1", "recipe:", "recipe:none", "recipe:../../x", "recipe:rise:x=1",
    "rise\n", "rise\0", "\x1b[2Jrise", "RISE", "base", "_cam", "__init__", "..", "rise.samples",
    "/",
    "sliding_patch:patch=0", "sliding_patch:stride=0", "sliding_patch:patch=-1",
    "sliding_patch:patch=100000", "tide:steps=-1", "tide:steps=1e10", "tide:levels=0",
    "tide:rate=nan",
    "tide:rate=inf", "fido:grid=0", "fido:grid=100000", "lime:segments=0", "lime:samples=-5",
    "mp:steps=0", "igos:path=0", "extremal_perturbation:areas=(2,)",
    "extremal_perturbation:areas=()",
    "extremal_perturbation:areas=(nan,)", "box:side=-1", "pda:window=0",
    "integrated_gradients:steps=0",
)  # fmt: skip
for _spec in SPECS:

    def _method(arena, spec=_spec):
        import unsee
        from tests.hostile.cases import Call, explain

        photo = arena.photo()
        return [
            explain(photo, method=spec),
            Call(f"unsee.explain({spec[:60]!r})", lambda: unsee.explain(toy.NAME, photo, spec)),
        ]

    case(FAMILY, f"method {_spec[:40]!r}", EITHER)(_method)
INFILLERS = (
    "blur:sigma=-1", "blur:sigma=nan", "blur:sigma=inf", "blur:sigma=1e9", "blur:sigma=0",
    "noise:std=-1", "noise:std=nan", "grey:x=1", "painter:samples=0", "painter:samples=-1",
    "painter:samples=100000000", "patchmatch:patch=0", "telea:radius=-5", "telea:radius=nan",
    "local:radius=-1", "local:sigma=nan", "none", "", "lama:", "onnx:values=x", "deepfill2:side=-1",
    "deepfill2:weights=random,side=1000000", "vae:weights=random,samples=0", "diffusion",
)  # fmt: skip
for _spec in INFILLERS:

    def _infiller(arena, spec=_spec):
        from tests.hostile.cases import explain, with_options

        return with_options(explain(arena.photo()), "--infiller", spec)

    case(FAMILY, f"in-filler {_spec[:40]!r}", EITHER)(_infiller)
METRICS = (
    "deletion:steps=0", "deletion:steps=-1", "deletion:steps=1000000000", "deletion:protocol=x",
    "localisation:alpha=0:1:0", "localisation:alpha=0:1:-1", "localisation:alpha=0:1e9:0.001",
    "localisation:alpha=nan:nan:nan", "localisation:alpha=::", "localisation:alpha=0:inf:1",
    "localisation:alpha=2", "gini:x=1", "", "none", "road:levels=()", "infidelity:samples=0",
    "max_sensitivity:radius=-1", "irof:segments=0", "pointing_game:tolerance=-1",
    "pointing_game:tolerance=nan", "total_variation:power=nan", "volume:x=[", "precision:share=2",
    "precision:share=nan", "transfer:reference=-1", "transfer:reference=99", "transfer:area=x",
    "stability:change=x",
)  # fmt: skip
for _spec in METRICS:

    def _metric(arena, spec=_spec):
        from tests.hostile.cases import evaluate

        arena.photo("data/a.png")
        return evaluate("data", metric=spec, target="top1")

    case(FAMILY, f"metric {_spec[:40]!r}", EITHER)(_metric)
DATA = (
    "mosaics:data", "mosaics:", "mosaics", "mosaics:data,count=0", "mosaics:data,count=1e9",
    "mosaics:data,count=99999999999999999999", "mosaics:data,least_probability=nan",
    "mosaics:data,classifier=none", "mosaics:data,classifier=os:system", "mosaics:data,trust=true",
    "mosaics:data,classifier=file:data/a.png", "mosaics:mosaics:data", "mosaics:image_folder:",
    "mosaics:" * 3000 + "data", "mosaics:image_folder:data,x=1", "mosaics:voc:data,count=x",
)  # fmt: skip
for _spec in DATA:

    def _data(arena, spec=_spec):
        from tests.hostile.cases import evaluate

        arena.photo("data/a.png")
        return evaluate(spec, target="top1")

    case(FAMILY, f"data {len(_spec)} {_spec[:40]!r}", EITHER)(_data)
