"""The page of a sheet in a browser: what it computes, and how it is used."""

import itertools
import json
import re

import numpy as np
import pytest
from derivations.passes import PASSES
from derivations.running import load
from pictures.browser import chromium
from pictures.functions import FUNCTIONS
from sheets.computed import gradients_by_name, names_of_inputs, values_by_name
from sheets.firefox import firefox
from sheets.strangers import STRANGERS
from sheets.writing import WRITING
from sheets.written import is_within

import autograd_lite as al
from autograd_lite.arrays.trees import leaves_of, map_leaves

DRAGS = 100


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a sheet; nothing may go wrong in it, and nothing may be asked for."""
    pages = []
    number = itertools.count()

    def open_(sheet, width=1440, height=900, fragment="", **options):
        path = sheet.write(tmp_path / f"sheet{next(number)}.html")
        page = browser.new_page(viewport={"width": width, "height": height}, **options)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda said: page.problems.append(said.text))
        page.on(
            "request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else 1 / 0
        )
        page.goto(f"file://{path}{fragment}")
        page.wait_for_selector(".statement")
        pages.append(page)
        return page

    yield open_
    for page in pages:
        assert not page.problems
        page.close()


def corpus():
    """Every forward pass of the derivations, with its inputs."""
    return {p.name: (load(p.source, p.name)[0], p.make_inputs()) for p in PASSES}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_page_computes_what_the_engine_does_after_each_drag(name, opened):
    check_drags(*FUNCTIONS[name], opened)


@pytest.mark.slow
@pytest.mark.parametrize("name", [p.name for p in PASSES])
def test_the_page_computes_the_corpus_of_derivations_after_each_drag(name, opened):
    check_drags(*corpus()[name], opened)


def check_drags(function, inputs, opened, computed=gradients_by_name):
    """Change random numbers, and compare the page with what is `computed` now and then."""
    sheet = al.sheet(function, *inputs)
    page, result = opened(sheet), sheet._content.data()["name"]
    assert page.evaluate("sheet.state()") == "recorded"
    rng = np.random.default_rng(3)
    inputs = map_leaves(lambda v: np.array(v) if isinstance(v, np.ndarray) else v, inputs)
    leaves = dict(zip(names_of_inputs(function, inputs), leaves_of(inputs), strict=True))
    labels = [n for n, v in leaves.items() if getattr(v, "dtype", np.dtype(bool)).kind == "f"]
    drags = []
    for count in range(DRAGS):
        label = rng.choice(labels)
        k, x = int(rng.integers(leaves[label].size)), round(rng.uniform(-1, 1), 3)
        leaves[label].flat[k] = x
        drags.append([str(label), k, x])
        if count % 10 and count < DRAGS - 1:
            continue
        loss, gradients = computed(sheet, function, inputs)
        names = [result, *(f"d{name}" for name in gradients)]
        shown, *found = page.evaluate(
            """([drags, names]) => {
              for (const drag of drags) sheet.set(...drag);
              return names.map((name) => sheet.value(name));
            }""",
            [drags, names],
        )
        drags.clear()
        np.testing.assert_allclose(shown["data"], loss, rtol=1e-12)
        for value, gradient in zip(found, gradients.values(), strict=True):
            scale = np.abs(gradient).max()
            assert tuple(value["shape"]) == gradient.shape
            np.testing.assert_allclose(
                np.reshape(value["data"], gradient.shape), gradient, rtol=1e-12, atol=1e-12 * scale
            )
    assert page.evaluate("sheet.state()") == "live"


MASK = np.array([True, False, True])
INDICES = {
    "mask": MASK,
    "mask of two axes": np.arange(12).reshape(3, 4) % 3 > 0,
    "mask and number": (MASK, 1),
    "mask and list": (MASK, slice(None), np.array([0, 1])),
    "mask of a later axis": (slice(None), np.array([True, False, True, True])),
    "number, slice, list": (0, slice(None), np.array([0, 1, 1])),
    "list, slice, number": (np.array([0, 2]), slice(None), 1),
    "ranges": (range(3), range(3)),
    "list of lists": np.array([[0, 1], [2, 0]]),
    "open mesh": np.ix_([0, 2], [1, 3]),
    "dots and list": (..., np.array([1, 0])),
    "new axes": (None, slice(None), slice(1, 3), None),
    "steps": (slice(None, None, -1), slice(3, 0, -2)),
    "beyond the ends": (slice(1, 10), slice(-10, 2)),
}


@pytest.mark.parametrize("name", INDICES)
def test_every_kind_of_index_picks_in_the_page_what_it_does_in_numpy(name, opened):
    def loss(w):
        picked = w[INDICES[name]]
        return np.sum(picked**2 * np.arange(1.0, 1 + picked.size).reshape(picked.shape))

    check_drags(loss, (np.linspace(-1, 2, 24).reshape(3, 4, 2),), opened)


def test_a_kernel_that_differs_from_numpy_makes_the_page_one_for_reading(opened):
    page = opened(al.sheet(lambda w: np.linalg.svd(w)[1].sum(), np.arange(6.0).reshape(3, 2)))
    said = "read-only: linalg.svd gives other numbers in the page than in NumPy"
    assert page.text_content("#badge") == said


@pytest.mark.parametrize("name", WRITING)
def test_a_function_that_writes_into_arrays_is_live(name, opened):
    check_drags(*WRITING[name], opened, values_by_name)


def test_numbers_that_go_another_way_are_not_computed(opened):
    def loss(w):
        size = np.sum(w**2)
        if size > 1:
            size = 2 * size
        return size

    page = opened(al.sheet(loss, np.array([1.0, 0.5])))
    page.evaluate("sheet.set('w', 0, 2)")
    assert page.text_content("#loss-value") == "8.500"
    page.evaluate("sheet.set('w', 0, 0.5)")
    said = (
        "not computed: with these numbers, “if size > 1:” goes another way, which was not recorded"
    )
    assert page.text_content("#badge") == said
    assert page.text_content("#loss-value") == "?"
    shown = page.locator('.half.b .matrix[data-label="dw"] td').first
    assert shown.text_content() == "?"
    shown.hover()
    assert page.text_content("#why").startswith("dw[0] is not computed: with these numbers")
    page.evaluate("sheet.set('w', 0, -1)")
    assert page.evaluate("sheet.state()") == "live"


def test_numbers_with_which_a_step_fails_are_not_computed(opened):
    def loss(A, b):
        return np.sum(np.linalg.solve(A, b))

    page = opened(al.sheet(loss, np.diag([2.0, 1.0]), np.ones(2)))
    page.evaluate("sheet.set('A', 0, 0)")
    assert page.text_content("#badge") == "not computed: the matrix is singular"
    page.evaluate("sheet.set('A', 0, 4)")
    assert page.text_content("#loss-value") == "1.250"


@pytest.mark.parametrize("name", FUNCTIONS | STRANGERS)
def test_what_is_said_of_a_number_that_is_pointed_at_gives_that_number(name, opened):
    function, inputs = (FUNCTIONS | STRANGERS)[name]
    page = opened(al.sheet(function, *inputs))
    said = page.evaluate(
        """() => [...document.querySelectorAll(".matrix td[data-k]")].slice(0, 400).map((cell) => {
          const moved = { bubbles: true, pointerType: "mouse" };
          cell.dispatchEvent(new PointerEvent("pointermove", moved));
          return document.getElementById("why").textContent;
        })"""
    )
    assert said
    assert not [text for text in said if not is_within(text)]


@pytest.fixture(scope="module")
def fox(tmp_path_factory):
    with firefox(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


IN_FIREFOX = [
    pytest.param(name, marks=() if name == "softmax with helpers" else pytest.mark.slow)
    for name in FUNCTIONS
]


@pytest.mark.parametrize("name", IN_FIREFOX)
def test_the_same_numbers_in_firefox(name, fox, tmp_path):
    function, inputs = FUNCTIONS[name]
    sheet = al.sheet(function, *inputs)
    fox.open(f"file://{sheet.write(tmp_path / 'sheet.html')}")
    assert fox.evaluate("document.querySelectorAll('math').length >= 5")
    inputs = map_leaves(lambda v: np.array(v) if isinstance(v, np.ndarray) else v, inputs)
    leaves = dict(zip(names_of_inputs(function, inputs), leaves_of(inputs), strict=True))
    recorded = sheet._content.recorded
    for k, label in enumerate(recorded.name_of(leaf) for leaf in recorded.wrt):
        leaves[label].flat[k % leaves[label].size] = 0.25
        fox.evaluate(f"sheet.set({json.dumps(label)}, {k % leaves[label].size}, 0.25)")
    assert fox.evaluate("sheet.state()") == "live"
    loss, gradients = gradients_by_name(sheet, function, inputs)
    found = fox.evaluate(f"sheet.value({json.dumps(sheet._content.data()['name'])})")
    np.testing.assert_allclose(found["data"], loss, rtol=1e-12)
    for label, gradient in gradients.items():
        found = fox.evaluate(f"sheet.value({json.dumps('d' + label)})")
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(found["data"], gradient.ravel(), rtol=1e-12, atol=1e-12 * scale)
    assert not fox.problems


def small(**options):
    function, inputs = FUNCTIONS["logistic regression"]
    return al.sheet(function, *inputs, **options)


def test_a_number_that_is_dragged_changes_all_others(opened):
    page = opened(small())
    before = page.text_content("#loss-value")
    cell = page.locator(".matrix.given td").first
    box = cell.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 10)
    page.mouse.up()
    page.wait_for_selector("#badge[data-state='live']")
    assert page.text_content("#badge") == "live"
    assert page.text_content("#loss-value") != before
    page.click("#reset")
    assert page.text_content("#loss-value") == before
    assert page.evaluate("sheet.state()") == "recorded"


def test_a_number_is_typed_with_the_keyboard_alone(opened):
    page = opened(small())
    page.focus(".matrix.given")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("0.5")
    page.keyboard.press("Enter")
    page.wait_for_selector("#badge[data-state='live']")
    assert page.evaluate("document.activeElement.className").startswith("matrix")
    label = page.evaluate("document.activeElement.dataset.label")
    page.keyboard.press("Enter")
    page.keyboard.type("nonsense")
    page.keyboard.press("Enter")
    values = page.evaluate("l => sheet.value(l.replace('.T', ''))", label)
    assert 0.5 in values["data"]


def test_a_gradient_says_what_it_is_made_of_and_is_measured(opened):
    page = opened(small())
    page.hover('.half.b .matrix[data-label="dw"] td')
    said = page.text_content("#why")
    assert said.startswith("dw[0, 0] = ")
    assert said.count("·") >= 8
    made_of, measured = said.split("nudge")
    assert "w[0, 0]" in measured
    assert measured.split("= ")[1] == made_of.split(" = ")[1]
    assert page.locator('.matrix[data-label="dZ.T"] td.hot').count() == 8
    assert page.locator('.half.b .matrix[data-label="X"] td.hot').count() == 8
    assert page.locator('.matrix[data-label="w"] td.hot').count() == 0


def test_the_walk_goes_down_and_up_again(opened):
    page = opened(small())
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.text_content("#counter") == "3 of 6 · forward"
    page.keyboard.press("End")
    assert page.text_content("#counter") == "6 of 6 · backward"
    assert page.locator(".statement.lit").count() == 1
    page.keyboard.press("ArrowLeft")
    assert "step=5" in page.evaluate("location.hash")


def test_a_link_brings_the_step_and_the_changed_numbers(opened):
    sheet = small()
    first = opened(sheet)
    first.evaluate("sheet.set('w', 1, 2.5)")
    first.keyboard.press("End")
    second = opened(sheet, fragment=first.evaluate("location.hash"))
    assert second.evaluate("sheet.value('w').data[1]") == 2.5
    assert second.text_content("#counter") == first.text_content("#counter")


def test_hostile_links_change_nothing(opened):
    for fragment in ("#set=99:0:1", "#set=0:999:1", "#set=a:b:c", "#step=1e9", "#set=0:0:Infinity"):
        page = opened(small(), fragment=fragment)
        assert page.evaluate("sheet.state()") == "recorded"


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("X @ dZ.T", "Right: dw = X @ dZ.T"),
        ("np.dot(X, np.transpose(dZ))", "Right: dw = X @ dZ.T"),
        ("dw = X @ dZ.T", "Right: dw = X @ dZ.T"),
        ("X @ dZ", "Not yet: dZ is not transposed."),
        ("2 * (X @ dZ.T)", "Not yet: it is right but for a factor of 0.500."),
        ("dZ @ X.T", "Not yet: this has the shape (1, 3), and dw has (3, 1)."),
        ("X @ nothing", "There is no nothing here."),
        ("X @", "Something is missing at the end."),
    ],
)
def test_a_line_that_is_typed_is_judged(typed, answer, opened):
    page = opened(small())
    page.click("#predict")
    form = page.locator(".half.b .statement", has_text="dw =").first
    form.locator("input").fill(typed)
    form.locator("input").press("Enter")
    assert form.locator(".answer").text_content() == answer


def mixed(W, x, c, Y):
    Z = W @ x + c[0]
    A = np.tanh(Z)
    S = np.einsum("ij,j->i", W, x) * A
    out = np.zeros(3)
    out[1:] = S[:2]
    return np.sum((out - Y) ** 2) / len(Y)


MIXED = np.arange(6.0).reshape(3, 2) / 7 - 0.3, np.array([0.4, -0.7]), np.ones(2), np.ones(3)


def answer_to(page, label, typed, number=0):
    """What the page says of a line that is typed for a gradient."""
    return page.evaluate(
        """([label, typed, n]) => {
          const asked = [...document.querySelectorAll(".half.b .statement.asked")];
          const made = asked.filter((s) => s.statement.label === label)[n];
          made.querySelector("input").value = typed;
          made.querySelector("form").requestSubmit();
          return made.querySelector(".answer").textContent;
        }""",
        [label, typed, number],
    )


@pytest.mark.parametrize("name", ["one hidden layer", "attention", "batch norm", "convolution"])
def test_every_line_of_the_sheet_itself_is_right_and_so_is_its_choice(name, opened):
    function, inputs = FUNCTIONS[name]
    page = opened(al.sheet(function, *inputs))
    page.click("#predict")
    said = page.evaluate(
        """() => [...document.querySelectorAll(".half.b .statement.asked")].map((made, i) => {
          const { x, assigned, text } = made.statement, right = (assigned ?? x).text;
          made.querySelector("input").value = [right, text, `(${right})`][i % 3];
          made.querySelector("form").requestSubmit();
          return [text, made.querySelector(".answer").textContent];
        })"""
    )
    assert len(said) > 6
    assert [(text, answer) for text, answer in said if answer != f"Right: {text}"] == []


@pytest.mark.parametrize(
    ("label", "typed", "right"),
    [
        ("dout1", "2 * (out1 - Y) / len(Y)", True),
        ("dout1", "2 * (out1 - Y) / Y.shape[0]", True),
        ("dout1", "(out1 - Y) * (2 / Y.size)", True),
        ("dout1", "2 / 3 * (out1 - Y)", True),
        ("dout1", "2 * (out1 - Y)", False),
        ("dS", "dout1[1:]", True),
        ("dS", "dout1[:2]", False),
        ("dA", "dS * np.einsum('ij,j->i', W, x)", True),
        ("dA", 'dS * (np.einsum("ij,j->i", W, x))', True),
        ("dA", "dS * np.einsum('ij,j->i', W, x) * np.ones(3)", True),
        ("dZ", "dA * (1 - np.power(A, 2))", True),
        ("dZ", "dA / np.cosh(Z)**2", True),
        ("dZ", "dA * (1 - A)", False),
        ("dZ", "np.diag(1 - A**2) @ dA", True),
        ("dZ", "dA * np.where(A > 2, 0, 1 - A * A)", True),
    ],
)
def test_right_lines_as_people_write_them_are_right(label, typed, right, opened):
    page = opened(al.sheet(mixed, *MIXED))
    page.click("#predict")
    said = answer_to(page, label, typed)
    assert said.startswith("Right: " if right else "Not yet: "), said


def vanishing(w, x):
    z = w * x
    return np.sum(z * z)


@pytest.mark.parametrize(("typed", "right"), [("2 * z", True), ("5 * z", False), ("z + z", True)])
def test_a_line_is_tried_on_other_numbers_too(typed, right, opened):
    page = opened(al.sheet(vanishing, np.zeros(3), np.ones(3)))
    page.click("#predict")
    assert answer_to(page, "dz", typed).startswith("Right" if right else "Not yet")


def test_a_view_of_an_input_changes_the_input(opened):
    def loss(W, V, center):
        h = V[center]
        return np.sum((h @ W.T) ** 2)

    V = np.arange(8.0).reshape(4, 2)
    page = opened(al.sheet(loss, np.ones((3, 2)), V, 2))
    view = page.locator(".matrix.given", has_text="V[2]").first
    cell = view.locator("td[data-k='1']")
    cell.dblclick()
    page.keyboard.press("Control+A")
    page.keyboard.type("1.5")
    page.keyboard.press("Enter")
    # The page's content policy refuses the eval by which wait_for_function asks again.
    page.locator("#badge", has_text=re.compile("^live$")).wait_for()
    assert page.evaluate("Array.from(sheet.value('V').data)") == [0, 1, 2, 3, 4, 1.5, 6, 7]


def test_an_index_that_leaves_an_array_is_said(opened):
    def loss(k, x):
        return np.sum(k[np.floor(x * 4).astype(int)] ** 2 * x)

    page = opened(al.sheet(loss, np.ones(4), np.array([0.3, 0.9])))
    page.evaluate("sheet.set('x', 1, 1.2)")
    assert page.text_content("#badge") == (
        "not computed: the index 4 is outside an axis of length 4"
    )


def test_a_row_opens_into_the_function_that_it_calls(opened):
    function, inputs = FUNCTIONS["softmax with helpers"]
    page = opened(al.sheet(function, *inputs))
    assert page.locator(".inner").count() == 0
    page.click("text=open softmax")
    assert "e = np.exp(z - np.max(z, axis=0, keepdims=True))" in page.text_content(".inner")
    page.keyboard.press("Enter")
    assert page.locator(".inner").count() == 0


def test_the_slider_of_a_loop_goes_through_its_rounds(opened):
    function, inputs = FUNCTIONS["recurrent net"]
    page = opened(al.sheet(function, *inputs))
    page.locator(".rounds input").first.fill("2")
    assert page.locator(".rounds").first.text_content() == "× 12round 3 of 12"
    assert "dtanh3 = dh3 * (1 - h3**2)" in page.text_content("#rows")
    page.keyboard.press("ArrowRight")
    assert page.locator(".rounds").nth(1).text_content() == "× 12round 4 of 12"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_runs_over_the_side(name, opened):
    function, inputs = FUNCTIONS[name]
    page = opened(al.sheet(function, *inputs))
    for width in (1440, 1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_targets_are_large_enough_for_a_finger(opened):
    page = opened(small(), width=390, has_touch=True, is_mobile=True)
    sizes = page.evaluate(
        """[...document.querySelectorAll("button, .matrix.given td[data-k]")]
        .filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect().height)"""
    )
    assert min(sizes) >= 44


def test_what_has_no_kernel_is_said_and_the_page_is_for_reading(opened):
    page = opened(al.sheet(lambda w: np.sum(np.i0(w)), np.ones(3) / 3))
    assert "read-only: the page has no JavaScript for np.i0" in page.text_content("#badge")
    assert page.locator(".matrix.given").count() == 0
    assert page.locator(".matrix td").count() > 3


def test_more_numbers_than_a_page_holds_are_a_coarser_picture(opened):
    def loss(w, x):
        return np.sum(np.tanh(w @ x))

    sheet = al.sheet(loss, np.ones((4, 300)) / 300, np.ones((300, 700)))
    assert len(sheet.html) < 500_000
    page = opened(sheet)
    assert page.text_content("#badge").startswith("read-only: ")


def test_names_and_texts_are_never_markup(opened):
    hostile = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    w = al.Tensor(np.ones(2), requires_grad=True, name=hostile)
    loss = np.sum(w * w)
    loss.name = "\"'`${alert(3)}"
    page = opened(al.sheet(loss))
    assert hostile in page.text_content("#rows")
    assert page.locator("img, #rows script").count() == 0


def test_a_notebook_shows_the_page_in_a_frame(browser, tmp_path):
    path = tmp_path / "cell.html"
    path.write_text(f"<!doctype html><title>cell</title>{small()._repr_html_()}", "utf-8")
    page = browser.new_page()
    page.goto(f"file://{path}")
    frame = page.frames[1]
    frame.wait_for_selector(".statement")
    frame.evaluate("sheet.set('w', 0, 1.5)")
    assert frame.evaluate("sheet.state()") == "live"
    page.close()


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_what_is_seen_is_saved_as_a_picture(kind, opened, tmp_path):
    page = opened(small())
    with page.expect_download() as waiting:
        page.click(f"#{kind}")
    waiting.value.save_as(tmp_path / f"sheet.{kind}")
    data = (tmp_path / f"sheet.{kind}").read_bytes()
    assert data.startswith(b"<svg" if kind == "svg" else b"\x89PNG")
    assert len(data) > 10_000


def test_verdicts_of_a_report_stand_beside_the_gradients(opened):
    def forward(W, X, Y):
        Z = W @ X
        D = Z - Y
        return np.sum(D * D), (Z, D)

    def backward(W, X, Y, cache):
        Z, D = cache
        dZ = 2 * D
        dW = dZ @ X.T * 2
        return {"dW": dW, "dZ": dZ}

    W, X, Y = np.ones((1, 2)), np.arange(6.0).reshape(2, 3), np.zeros((1, 3))
    report = al.check_derivation(forward, backward, W, X, Y)
    page = opened(al.sheet(report))
    assert page.locator('.verdict[data-status="wrong"]').count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["one hidden layer", "softmax with helpers", "recurrent net"])
def test_nothing_stands_in_the_way_of_a_reader_with_a_screen_reader(name, scheme, opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe")
    function, inputs = FUNCTIONS[name]
    page = opened(al.sheet(function, *inputs), color_scheme=scheme)
    for _ in range(2):
        found = axe.Axe().run(page).response["violations"]
        assert not [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found]
        page.click("#predict")


def test_it_holds_with_forced_colours_reduced_motion_and_twice_the_size(opened):
    page = opened(small(), forced_colors="active", reduced_motion="reduce", width=720)
    page.keyboard.press("End")
    assert page.evaluate("getComputedStyle(document.querySelector('.lit')).outlineStyle") == "solid"
    assert page.evaluate("document.documentElement.scrollWidth") <= 720


def test_what_is_printed_has_every_row(opened):
    function, inputs = FUNCTIONS["recurrent net"]
    page = opened(al.sheet(function, *inputs))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#rows > .row > .halves").count() == 4
    assert not page.locator("footer, .tools").first.is_visible()
