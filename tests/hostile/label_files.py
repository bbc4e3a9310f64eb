"""Labels: files of class names, lists of classes, and the layouts of other data sets."""

import gzip
import io
import json
import struct
from functools import partial

from tests.hostile.cases import ACCEPTED, EITHER, REFUSED, REST, case, evaluate, explain
from tests.hostile.photos import zeros
from unsee.datasets._imagenet import imagenet_numbers

FAMILY = "label_files"
FIVE = "cat\ndog\ncow\npig\nhen\n"
LABELS = {
    "latin-1": (b"caf\xe9\nb\nc\nd\ne\n", REFUSED),
    "noise": (bytes(range(256)), REFUSED),
    "three for five": (b"a\nb\nc\n", REFUSED),
    "a thousand for five": (b"x\n" * 1000, REFUSED),
    "none": (b"", REFUSED),
    "with a byte order mark": (b"\xef\xbb\xbf" + FIVE.encode(), ACCEPTED),
    "in utf-16": (FIVE.encode("utf-16"), ACCEPTED),
    "with markup of rich": ("[/b]\n" * 5, EITHER),
    "with formulas": ("$\\frac{\n$$\na$\n$x^$\n\\\n", ACCEPTED),
    "with controls": ("\x1b[2J\n\x07\n\x00\n\x7f\n\x9b\n", EITHER),
    "of a script": ("<script>alert(1)</script>\n" * 5, EITHER),
    "of 100000 characters": ("x" * 100_000 + "\nb\nc\nd\ne\n", EITHER),
    "with braces": ("{overwrite}\n{0}\n{}\n{x!r}\n%s\n", ACCEPTED),
    "in chinese": ("\u732b\n\u72d7\n\u725b\n\u732a\n\u9e21\n", ACCEPTED),
    "right to left": ("\u202egnp\nb\nc\nd\ne\n", EITHER),
    "with commas": ("Pepper,_bell___healthy\nb\nc\nd\ne\n", ACCEPTED),
}
"""Files of class names for a network of five classes."""


def _labels(arena, content: bytes | str):
    path = arena.write("labels.txt", content)
    arena.write("user_model.py", "from tests.hostile.toy import network\n")
    spec = f"user_model:network,labels={path}"
    return explain(arena.photo(), "--size", "32", classifier=spec)


for _name, (_content, _expected) in LABELS.items():
    case(FAMILY, f"names {_name}", _expected)(partial(_labels, content=_content))

CLASSES = {
    "-1": REFUSED, "a": REFUSED, "1-": REFUSED, "5-1": EITHER, "0-99999999999999": REFUSED,
    "\u00b2": REFUSED, "\u0663": EITHER, "9" * 5000: REFUSED, "1,,2": EITHER, "nan": REFUSED,
    "0x1": REFUSED, "": EITHER,
}  # fmt: skip
"""Values of --classes."""
for _text, _expected in CLASSES.items():

    def _classes(arena, text=_text):
        arena.photo("data/a/1.png")
        arena.photo("data/b/2.png")
        return evaluate("image_folder:data,numbering=alphabetical", "--classes", text)

    case(FAMILY, f"classes {_text[:20]!r}", _expected)(_classes)


def places(arena, line: str | bytes, metric="gini"):
    arena.photo("data/val_256/a.jpg")
    if isinstance(line, str):
        line = line.replace("OUTSIDE", str(arena.outside)).encode()
    arena.write("data/places365_val.txt", b"a.jpg 1\n" + line + b"\n")
    return evaluate("places365:data", metric=metric, target="top1")


LINES = {
    "an absolute path": "OUTSIDE 0", "a path that leads out": "../../../outside.png 0",
    "a missing photo": "none.jpg 0", "no class": "b.jpg", "class -1": "a.jpg -1",
    "a class in superscript": "a.jpg \u00b2", "a class of 5000 digits": "a.jpg " + "9" * 5000,
    "the same photo twice": "a.jpg 2", "not UTF-8": b"caf\xe9.jpg 0",
    "a null character": "a\0.jpg 0",
    "a folder": ". 0", "a name of 5000 characters": "x" * 5000 + " 0",
}  # fmt: skip
LEFT_OUT = {"a missing photo", "a folder", "a name of 5000 characters"}
"""Photos that are not there are left out with a note; there is another one."""
for _name, _line in LINES.items():
    _expected = ACCEPTED if _name in LEFT_OUT else REFUSED
    case(FAMILY, f"places: {_name}", _expected)(partial(places, line=_line))

XML = (
    "<annotation><size><width>48</width><height>40</height></size><object><name>dog</name><bndbox>"
    "<xmin>{0}</xmin><ymin>1</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object></annotation>"
)
BOMB = (
    '<!DOCTYPE a [<!ENTITY a0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]><annotation><size><width>&a11;</width></size></annotation>"
)
XMLS = {
    "infinity": XML.format("inf"), "NaN": XML.format("nan"), "1e400": XML.format("1e400"),
    "text": XML.format("x"), "nothing": "", "no XML": "not xml", "an open tag": "<annotation>",
    "minus": XML.format("-500"), "entities that expand": BOMB, "deep": "<a>" * 200_000,
    "a width of 1e99": XML.format("1").replace("48", "1e99"),
    "a width of infinity": XML.format("1").replace("48", "inf"),
    "a width of NaN": XML.format("1").replace("48", "nan"),
    "an external entity": (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + XML.format("&x;")
    ),
    "noise": bytes(range(256)), "an unknown encoding": '<?xml version="1.0" encoding="evil"?><a/>',
    "5000 digits": XML.format("9" * 5000), "no object": "<annotation/>",
    "a class of markup": XML.format("1").replace("dog", "&#27;[2J"),
}  # fmt: skip


def voc(arena, xml: str | bytes = XML.format("1"), listed: str | bytes = "1\n", outline=None):
    arena.photo("data/JPEGImages/1.jpg")
    arena.write("data/Annotations/1.xml", xml)
    arena.write("data/ImageSets/Main/val.txt", listed)
    if outline is not None:
        arena.write("data/SegmentationClass/1.png", outline)
    return evaluate(
        "voc:data", metric="pointing_game" if outline is None else "energy_pointing_game"
    )


for _name, _xml in XMLS.items():
    case(FAMILY, f"voc: xml with {_name}")(partial(voc, xml=_xml))
for _name, _listed in {
    "a path that leads out": "../../../../home/precious\n", "an absolute path": "/etc/passwd\n",
    "what is missing": "none\n", "nothing": "", "not UTF-8": b"caf\xe9\n",
    "the same twice": "1\n1\n",
    "a null character": "a\0b\n",
}.items():  # fmt: skip
    case(FAMILY, f"voc: list with {_name}")(partial(voc, listed=_listed))


@case(FAMILY, "voc: outline that is a bomb")
def _(arena):
    from tests.hostile.photos import png

    return voc(arena, outline=png(20_000, 20_000, zeros(20_000 * 20_001)))


@case(FAMILY, "voc: outline that is no picture")
def _(arena):
    return voc(arena, outline=b"no picture")


def imagenet(arena, solution: str | bytes, mapping: str | bytes | None = None):
    arena.photo("data/val/a.png")
    names = "".join(f"{id} thing\n" for id in imagenet_numbers())
    arena.write("data/LOC_synset_mapping.txt", names if mapping is None else mapping)
    arena.write("data/LOC_val_solution.csv", solution)
    return evaluate("imagenet:data", metric="pointing_game", target="top1")


ROW = "ImageId,PredictionString\na,n01443537 1 1 20 20\n"
SOLUTIONS = {
    "nothing": "", "no row": "ImageId,PredictionString\n", "NaN": ROW.replace("20 20", "nan nan"),
    "infinity": ROW.replace("20 20", "inf inf"), "text": ROW.replace("20 20", "x y"),
    "an unknown class": ROW.replace("n01443537", "n99"), "three numbers": ROW.replace(" 20\n",
    "\n"),
    "a field of a million characters": ROW + "b," + "x" * 10**6 + "\n",
    "an open quote": 'ImageId,PredictionString\na,"n01443537 1 1 20 20\n' + "x" * 200_000,
    "a null character": ROW + "\0,b\n", "not UTF-8": ROW.encode() + b"\xff,\xfe\n",
    "other columns": "a,b\n1,2\n", "5000 digits": ROW.replace("20 20", "9" * 5000 + " 20"),
}  # fmt: skip
for _name, _text in SOLUTIONS.items():
    case(FAMILY, f"imagenet: table with {_name}")(partial(imagenet, solution=_text))
for _name, _text in {"nothing": "", "three classes": "a\nb\nc\n", "not UTF-8": b"\xff\n" * 1000,
                     "one class a thousand times": "n01 a\n" * 1000}.items():  # fmt: skip
    case(FAMILY, f"imagenet: mapping with {_name}")(partial(imagenet, solution=ROW, mapping=_text))


def idx(arena, pictures: bytes, labels: bytes, suffix=""):
    arena.write(f"data/t10k-images-idx3-ubyte{suffix}", pictures)
    arena.write("data/t10k-labels-idx1-ubyte", labels)
    return evaluate("fashion_mnist:data")


def pictures(count=2, height=28, width=28, content=None, axes=3) -> bytes:
    head = bytes((0, 0, 8, axes)) + struct.pack(">iii", count, height, width)
    return head + (bytes(range(256)) * 7)[: 28 * 28 * 2] if content is None else head + content


def labels(content: bytes, count=2) -> bytes:
    return bytes((0, 0, 8, 1)) + struct.pack(">i", count) + content


IDX = {
    "nothing": (b"", b""), "three bytes": (b"\0\0\x08", labels(b"\0\1")),
    "negative sizes": (pictures(-1, -28, 28), labels(b"\0\1")),
    "huge sizes": (pictures(2**31 - 1, 2**31 - 1, 2**31 - 1), labels(b"\0\1")),
    "200 axes": (pictures(axes=200), labels(b"\0\1")),
    "two axes": (bytes((0, 0, 8, 2)) + struct.pack(">ii", 2, 784) + bytes(1568), labels(b"\0\1")),
    "pictures without pixels": (pictures(2, 0, 0, b""), labels(b"\0\1")),
    "more labels than pictures": (pictures(), labels(b"\0\1\2", 3)),
    "floats": (b"\0\0\x0d\3" + pictures()[4:], labels(b"\0\1")),
    "cut": (pictures()[:100], labels(b"\0\1")), "no pictures": (pictures(0, 28, 28, b""),
    labels(b"", 0)),
}  # fmt: skip
for _name, (_pictures, _label) in IDX.items():
    case(FAMILY, f"idx: {_name}")(partial(idx, pictures=_pictures, labels=_label))


@case(FAMILY, "idx: gzip that inflates to 4 GiB")
def _(arena):
    raw = zeros(2**32)[2:-4]
    content = b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + raw + bytes(8)
    return idx(arena, content, labels(b"\0\1"), ".gz")


@case(FAMILY, "idx: gzip that is cut")
def _(arena):
    return idx(arena, gzip.compress(pictures())[:40], labels(b"\0\1"), ".gz")


@case(FAMILY, "idx: labels of 250", REFUSED)
def _(arena):
    return idx(arena, pictures(), labels(b"\0\xfa"))


def hugging_face(arena, state: str, rows=None):
    import pyarrow as pa

    arena.write("data/state.json", state)
    photo = (arena.work / arena.photo("one.png")).read_bytes()
    table = pa.table(rows(photo) if rows else
                     {"image": [{"bytes": photo, "path": None}], "label": [1]})  # fmt: skip
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    arena.write("data/x.arrow", buffer.getvalue())
    return evaluate("hugging_face:data")


def state(*names) -> str:
    return json.dumps({"_data_files": [{"filename": name} for name in names]})


STATES = {
    "nothing": "", "null": "null", "no files": "{}", "a number": '{"_data_files": 3}',
    "files of numbers": '{"_data_files": [1]}', "an absolute file": state("/etc/passwd"),
    "a file that leads out": state("../../../../home/precious.txt"),
    "a missing file": state("y.arrow"),
    "deep": "[" * 100_000, "a name that is a number": '{"_data_files": [{"filename": 5}]}',
    "a null character": state("a\0b"), "the same file twice, then none": state("x.arrow", "none"),
}  # fmt: skip
for _name, _state in STATES.items():
    case(FAMILY, f"hugging face: state with {_name}")(partial(hugging_face, state=_state))
ROWS = {
    "label -1": (lambda p: {"image": [{"bytes": p, "path": None}], "label": [-1]}, REST),
    "label as text": (lambda p: {"image": [{"bytes": p, "path": None}], "label": ["a"]}, REFUSED),
    "label 1.5": (lambda p: {"image": [{"bytes": p, "path": None}], "label": [1.5]}, REFUSED),
    "label of lists": (lambda p: {"image": [{"bytes": p, "path": None}], "label": [[1]]}, REFUSED),
    "no column": (lambda p: {"x": [1]}, REFUSED),
    "no rows": (lambda p: {"image": [], "label": []}, REFUSED),
    "image as text": (lambda p: {"image": ["a"], "label": [0]}, REST),
    "image null": (lambda p: {"image": [None], "label": [0]}, REST),
    "image of another column": (lambda p: {"image": [{"x": 1}], "label": [0]}, REST),
    "a path that is absolute": (
        lambda p: {"image": [{"bytes": None, "path": "/etc/passwd"}], "label": [0]}, REST,
    ),
    "a path that is a device": (
        lambda p: {"image": [{"bytes": None, "path": "/dev/zero"}], "label": [0]}, REST,
    ),
}  # fmt: skip
for _name, (_rows, _expected) in ROWS.items():
    case(FAMILY, f"hugging face: rows with {_name}", _expected)(
        partial(hugging_face, state=state("x.arrow"), rows=_rows)
    )
