"""The page of a computation: its text, and what a browser shows of it."""

import base64
import hashlib
import itertools
import json
import re

import numpy as np
import pytest
from pictures.browser import chromium
from pictures.page_data import Computation, large_net, one_node, small_net

from autograd_lite.pictures.assemble import SCRIPTS, assembled, page_text

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"'`${alert(1)}&amp;{{style}}",
    "🧮 ∂L/∂W\u2028\u2029\u202e",
    "n" * 10_000,
]


def test_the_data_comes_back_as_it_was_whatever_it_holds():
    data = one_node(1.5, line="".join(HOSTILE)) | {"title": "".join(HOSTILE)}
    text = assembled(data)
    found = re.findall(r'<script type="application/json" id="computation">(.*?)</script>', text)
    assert [json.loads(one) for one in found] == [data]
    assert not re.search("[<>&\u2028\u2029]", found[0])
    assert text.count("</script>") == 2


def test_the_title_is_text():
    title = '<b>"a" & b</b>'
    text = assembled(one_node(1.0) | {"title": title})
    assert text.count("&lt;b&gt;&quot;a&quot; &amp; b&lt;/b&gt;") == 3
    assert "<b>" not in text


def test_a_text_that_utf_8_cannot_write_is_no_obstacle():
    text = assembled(one_node(1.0, line="\ud800") | {"title": "\ud800"})
    assert b"<title>?</title>" in text.encode()


def test_numbers_that_json_lacks_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        assembled(one_node(1.0) | {"width": float("nan")})


def test_the_policy_allows_its_own_two_texts_and_nothing_else():
    text = assembled(small_net())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    style = re.search("<style>(.*?)</style>", text, re.DOTALL)[1]
    script = re.search('<script type="module">(.*?)</script>', text, re.DOTALL)[1]
    hashes = [
        base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        for part in (script, style)
    ]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert policy.index("default-src") == 0
    assert text.index("Content-Security-Policy") < text.index("<title>")


def test_the_page_is_whole_in_itself_and_makes_no_markup_of_texts():
    page = "".join(page_text(name) for name in (*SCRIPTS, "page.css", "page.html"))
    assert not re.search(r"https?:(?!//www\.w3\.org/2000/svg)|url\(|@import|\bsrc=|\bhref=", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b|Function\(", page)
    assert " style=" not in page_text("page.html")


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def show(browser, tmp_path):
    """Opens a page on some data; at the end no page may have complained or asked for anything."""
    contexts, trouble = [], []
    path = tmp_path / "page.html"

    def opened(data, address="", **settings):
        path.write_text(assembled(data), encoding="utf-8")
        settings = {"viewport": {"width": 1200, "height": 800}, **settings}
        contexts.append(browser.new_context(reduced_motion="reduce", **settings))
        page = contexts[-1].new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: trouble.append(message.text))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: (trouble.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri() + address)
        return page

    requests = []
    yield opened
    for context in contexts:
        context.close()
    assert trouble == []
    assert {url.partition("#")[0] for url in requests} <= {path.as_uri()}


def cells(page, part, where="#panel"):
    return page.locator(f'{where} [data-part="{part}"] [data-text]').evaluate_all(
        "all => all.map(cell => cell.dataset.text)"
    )


def step(page):
    return int(page.locator("body").get_attribute("data-step"))


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)
    return step(page)


def until(page, condition):
    """Waits for what happens by and by; the page's policy keeps a browser from evaluating it."""
    for _ in range(250):
        if condition():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it did not happen in 5 s")


def node(page, id):
    return page.locator(f'[data-node="{id}"]')


def named(data, name):
    return next(i for i, node in enumerate(data["nodes"]) if node["name"] == name)


def states(page):
    """All that the graph says of its nodes and edges."""
    return page.evaluate(
        """() => [...document.querySelectorAll("[data-node], [data-edge]")].map(element =>
          [element.dataset.node, element.dataset.edge, element.dataset.state,
           element.dataset.gradient, [...element.classList].sort().join(" "),
           element.querySelector(".bar")?.getAttribute("width") ?? "0"].join("|")).sort()"""
    )


def test_every_step_shows_exactly_the_numbers_of_the_data(show):
    data = small_net({"dA1": "correct", "dZ1": "wrong"})
    page = show(data)
    for i, told in enumerate(data["steps"]):
        assert step(page) == i
        nodes, arrays = data["nodes"], data["arrays"]
        if told["phase"] == "forward":
            operands = dict.fromkeys(data["edges"][edge]["from"] for edge in told["edges"])
            expected = {
                "operand": [c for o in operands for c in arrays[nodes[o]["value"]]["cells"]],
                "value": arrays[nodes[told["node"]]["value"]]["cells"],
            }
        else:
            source = told.get("verdict", told) | {"local": told.get("local_value")}
            parts = ("arriving", "local", "product", "before", "sum", "derived", "expected")
            expected = {
                part: arrays[source[part]]["cells"] if source.get(part) is not None else []
                for part in parts
            }
            if told.get("seed"):
                assert expected["sum"] == ["1.0"]
        assert {part: cells(page, part) for part in expected} == expected
        press(page, "ArrowRight")


def test_forward_says_what_is_computed_from_what_and_where(show):
    data = small_net()
    page = show(data, "#2")
    panel = page.locator("#panel")
    assert panel.locator('[data-part="equation"]').text_content() == "Z1 = v1 + b1"
    assert panel.locator('[data-part="line"]').text_content() == data["nodes"][4]["line"]
    assert panel.locator('[data-part="operand"] h3').all_text_contents() == [
        "v1(4, 5) float64",
        "b1(4, 1) float64",
    ]
    assert page.locator("#counter").text_content() == "2 of 18 – forward"


def test_backward_says_what_arrives_what_it_is_multiplied_with_and_what_becomes_of_it(show):
    data = small_net()
    page = show(data, "#15")
    panel = page.locator("#panel")
    assert panel.locator('[data-part="equation"]').text_content() == "dZ1 = dA1 * (A1 * (1 - A1))"
    heads = panel.locator(".part h3").all_text_contents()
    assert [head.partition("(4, 5) float64")[0] for head in heads] == [
        "gradient arriving, dA1",
        "local derivative A1 * (1 - A1)",
        "product dA1 * (A1 * (1 - A1))",
    ]
    assert "the first to arrive at dZ1" in panel.text_content()
    press(page, "ArrowRight", "ArrowRight")
    note = panel.locator('[data-part="note"]').text_content()
    assert note == "summed over axis 1, along which b1 was broadcast"


def test_a_second_part_of_a_gradient_is_added_to_the_first(show):
    data = small_net()
    page = show(data, "#10")
    e = named(data, "E")
    assert node(page, e).get_attribute("data-gradient") == "partial"
    press(page, "ArrowRight")
    assert page.locator('[data-part="equation"]').text_content() == "dE += dv2 * E"
    assert node(page, e).get_attribute("data-gradient") == "complete"
    halves, whole = cells(page, "before"), cells(page, "sum")
    assert [2 * float(half) for half in halves] == [float(number) for number in whole]


def test_the_graph_shows_how_far_the_walk_has_come(show):
    data = small_net({"dZ1": "correct"})
    page = show(data)
    z1, x = node(page, named(data, "Z1")), node(page, named(data, "X"))
    assert x.get_attribute("data-state") == "computed"
    assert z1.get_attribute("data-state") == "waiting"
    press(page, "ArrowRight")
    assert z1.get_attribute("data-state") == "computed"
    assert z1.evaluate("node => node.matches('.current')")
    assert page.locator(".edge.active").evaluate_all("all => all.map(e => e.dataset.edge)") == [
        "2",
        "3",
    ]
    assert z1.evaluate("node => node.matches('.unmarked')")
    press(page, "End")
    assert z1.get_attribute("data-gradient") == "complete"
    assert not z1.evaluate("node => node.matches('.unmarked')")
    assert x.get_attribute("data-gradient") == "none"


def test_however_a_step_is_reached_the_graph_is_the_same(show):
    data = small_net({"dA1": "correct", "dZ1": "wrong"})
    straight = []
    page = show(data)
    for _ in data["steps"]:
        straight.append(states(page))
        press(page, "ArrowRight")
    slider = page.locator("#slider")
    for to in (3, 17, 9, 18, 0, 12, 10, 11):
        slider.fill(str(to))
        assert step(page) == to
        assert states(page) == straight[to]


def test_the_gradient_flows_against_the_arrow(show):
    data = small_net()
    page = show(data, "#15")
    told = data["steps"][14]
    edge = data["edges"][told["edge"]]
    assert page.locator(".flow path").get_attribute("d") == edge["path"]
    start = [float(part) for part in edge["path"].split()[1].split(",")]
    head = page.locator(".flow polygon").get_attribute("transform")
    assert head.startswith(f"translate({start[0]:g} {start[1]:g})")
    press(page, "Home")
    assert page.locator(".flow path").count() == 0


def test_buttons(show):
    page = show(small_net())

    def click(name):
        # Forced, for a button at the end of its way is disabled and still takes the click.
        page.get_by_role("button", name=name, exact=True).click(force=True)
        return step(page)

    assert click("Last step") == 17
    assert click("Step back") == 16
    assert click("Step forward") == 17
    assert click("Step forward") == 17
    assert click("First step") == 0
    assert click("Step back") == 0


def test_the_slider_goes_to_any_step_and_shows_where_backward_begins(show):
    page = show(small_net())
    slider = page.get_by_role("slider", name="Step", exact=True)
    slider.fill("7")
    assert step(page) == 7
    assert slider.get_attribute("aria-valuetext") == "8 of 18, backward"
    slider.press("ArrowRight")
    assert step(page) == 8
    slider.press("Home")
    assert step(page) == 0
    boundary = float(
        page.evaluate("getComputedStyle(document.body).getPropertyValue('--boundary')")
    )
    assert 6 / 17 < boundary < 7 / 17


def test_keys(show):
    page = show(small_net())
    assert press(page, "ArrowRight", "ArrowRight", "ArrowLeft") == 1
    assert press(page, "End") == 17
    assert press(page, "ArrowRight") == 17
    assert press(page, "Home") == 0
    assert press(page, "ArrowLeft") == 0

    def scale():
        return float(
            re.search(r"scale\((.*)\)", page.locator(".scene").get_attribute("transform"))[1]
        )

    whole = scale()
    press(page, "+")
    near = scale()
    press(page, "-", "-")
    assert scale() < whole < near
    press(page, "0")
    assert scale() == whole
    press(page, "?")
    assert page.get_by_role("dialog", name="How to walk").is_visible()
    press(page, "ArrowRight")
    assert step(page) == 0
    press(page, "Escape")
    assert not page.get_by_role("dialog").is_visible()
    press(page, "/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("z1 ?")
    assert (step(page), page.locator("#search").input_value()) == (0, "z1 ?")
    press(page, "Escape")
    assert page.locator("#search").input_value() == ""
    assert page.evaluate("document.activeElement.dataset.node") == "0"


def test_keys_of_the_browser_stay_the_browsers(show):
    page = show(small_net())
    assert press(page, "Control+ArrowRight", "Alt+ArrowRight") == 0


def test_space_plays_and_pauses(show):
    page = show(small_net())
    page.get_by_label("Speed").select_option("16")
    press(page, " ")
    until(page, lambda: step(page) >= 3)
    press(page, " ")
    at = step(page)
    assert page.get_by_role("button", name="Play").is_visible()
    page.wait_for_timeout(250)
    assert step(page) == at < 17


def test_play_ends_at_the_last_step_and_then_begins_anew(show):
    page = show(small_net(), "#16")
    page.get_by_label("Speed").select_option("16")
    page.get_by_role("button", name="Play").click()
    page.wait_for_selector("body:not([data-playing])")
    assert step(page) == 17
    page.get_by_role("button", name="Play").click()
    until(page, lambda: 1 <= step(page) < 17)
    page.get_by_role("button", name="Pause").click()


def test_a_step_by_hand_ends_play(show):
    page = show(small_net())
    press(page, " ")
    press(page, "End")
    assert page.locator("body[data-playing]").count() == 0


def test_play_stops_at_a_wrong_gradient_and_says_why(show):
    data = small_net({"dA1": "correct", "dZ1": "wrong"})
    page = show(data, "#13")
    page.get_by_label("Speed").select_option("16")
    page.get_by_role("button", name="Play").click()
    page.wait_for_selector("body:not([data-playing])")
    assert data["steps"][step(page)]["verdict"]["status"] == "wrong"
    verdict = page.locator('[data-part="verdict"]')
    assert verdict.locator("h2").text_content() == "✗ dZ1 is wrong"
    assert "Your derivation, line 15" in verdict.text_content()
    message = data["steps"][step(page)]["verdict"]["message"]
    assert verdict.locator('[data-part="message"]').text_content() == message
    assert message in page.locator("#live").text_content()
    at = step(page)
    page.get_by_role("button", name="Play").click()
    until(page, lambda: step(page) > at)


@pytest.mark.parametrize(
    "status, words",
    [
        ("correct", "✓ dZ1 is right"),
        ("convention", "✓ dZ1 is right, in a convention of its own"),
        ("inherited", "↳ dZ1 is wrong only because of what it was computed from"),
        ("missing", "? dZ1 is not in the derivation"),
        ("wrong", "✗ dZ1 is wrong"),
    ],
)
def test_a_verdict_is_told_by_a_sign_and_in_words(show, status, words):
    data = small_net({"dZ1": status})
    page = show(data, "#16")
    assert page.locator('[data-part="verdict"] h2').text_content() == words
    z1 = node(page, named(data, "Z1"))
    assert z1.locator(".pill text").text_content() == f"{words[0]} dZ1"
    assert words[2:] in z1.get_attribute("aria-label")


def test_a_fault_is_told_in_words(show):
    data = one_node(np.nan, fault="made NaN of finite operands")
    page = show(data)
    assert node(page, 0).locator(".pill text").text_content() == "! fault"
    assert "made NaN of finite operands" in node(page, 0).get_attribute("aria-label")
    assert page.locator('[data-part="fault"]').text_content() == "! made NaN of finite operands"


def test_search_goes_from_match_to_match(show):
    data = small_net()
    page = show(data)
    box = page.get_by_role("searchbox", name="Find a node by name")
    box.fill("w")
    assert page.locator("#matches").text_content() == "2 found"
    found = []
    for _ in range(3):
        box.press("Enter")
        found.append(page.locator(".found").get_attribute("data-node"))
    w1, w2 = (str(named(data, name)) for name in ("W1", "W2"))
    assert found == [w1, w2, w1]
    assert page.locator("#matches").text_content() == "1 of 2"
    box.press("Shift+Enter")
    assert page.locator(".found").get_attribute("data-node") == w2
    box.fill("nothing of the kind")
    box.press("Enter")
    assert page.locator("#matches").text_content() == "0 found"
    assert page.locator(".match, .found").count() == 0


def test_search_centres_what_it_finds(show):
    data = large_net(400)
    page = show(data)
    page.locator("#search").fill("v150")
    page.locator("#search").press("Enter")
    pane = page.locator("#pane").bounding_box()
    box = node(page, named(data, "v150")).locator(".box").bounding_box()
    for at, size in (("x", "width"), ("y", "height")):
        assert box[at] + box[size] / 2 == pytest.approx(pane[at] + pane[size] / 2, abs=2)


def test_a_click_goes_to_the_step_of_a_node_and_with_shift_to_that_of_its_gradient(show):
    data = small_net()
    page = show(data)
    a2 = named(data, "A2")
    node(page, a2).click()
    assert data["steps"][step(page)] == {"phase": "forward", "node": a2, "edges": [5, 6]}
    node(page, a2).click(modifiers=["Shift"])
    assert data["steps"][step(page)]["operand"] == a2
    node(page, named(data, "X")).click(modifiers=["Shift"])
    assert data["steps"][step(page)]["operand"] == a2
    node(page, named(data, "b1")).click()
    assert data["steps"][step(page)] == {"phase": "forward", "node": 4, "edges": [2, 3]}


def test_hover_and_focus_show_a_card(show):
    data = small_net()
    page = show(data)
    z1 = named(data, "Z1")
    card = page.get_by_role("tooltip")
    node(page, z1).hover()
    text = card.text_content()
    for part in ("Z1 = v1 + b1", "(4, 5) float64", data["nodes"][z1]["line"]):
        assert part in text
    for part in ("value", "gradient"):
        assert cells(page, part, "#card") == data["arrays"][data["nodes"][z1][part]]["cells"]
    assert node(page, z1).get_attribute("aria-describedby") == "card"
    page.mouse.move(5, 300)
    assert not card.is_visible()
    page.locator("#help").focus()
    press(page, "Tab")
    assert page.evaluate("document.activeElement.dataset.node") == "0"
    assert card.is_visible() and "X" in card.text_content()
    press(page, "ArrowDown")
    assert page.evaluate("document.activeElement.dataset.node") == "1"
    assert "W1" in card.text_content()
    press(page, "Escape")
    assert not card.is_visible()
    press(page, "ArrowUp", "ArrowUp")
    assert page.evaluate("document.activeElement.dataset.node") == str(len(data["nodes"]) - 1)
    press(page, "Enter")
    assert data["steps"][step(page)]["node"] == len(data["nodes"]) - 1
    press(page, "Shift+Enter")
    assert data["steps"][step(page)]["seed"]
    assert page.locator('[data-node][tabindex="0"]').count() == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_the_data_stay_texts(show, text):
    net = Computation(text, 300, 200)
    a = net.node("parameter", text, 150, 40, 1.0)
    b = net.node("operation", text, 150, 140, 2.0, text, text, fault=text, line=text)
    net.data["groups"].append({"label": text, "x": 10.0, "y": 10.0, "w": 280.0, "h": 180.0})
    edge = net.edge(a, b)
    net.forward(b, [edge])
    net.seed(b, 1.0)
    net.backward(edge, text, np.float64(2.0), text, np.float64(2.0), text)
    net.verdict(b, "wrong", text, 3, text, np.float64(3.0))
    for array in net.data["arrays"]:
        array.update(cells=[text], dtype=text, min=text, mean=text, max=text)
    page = show(net.data)
    count = len(page.query_selector_all("img, script, b, iframe"))
    assert count == 2
    assert page.title() == re.sub(r"\s+", " ", text).strip() or "\u2028" in text
    assert page.locator('[data-part="line"]').text_content() == text
    for key in ("ArrowRight", "ArrowRight", "ArrowRight"):
        node(page, b).hover()
        assert page.locator("#card dd").all_text_contents()[1] == text
        press(page, key)
    assert page.locator('[data-part="message"]').text_content() == text
    assert cells(page, "derived") == [text]
    page.locator("#search").fill(text[:40])
    assert page.locator(".match").count() == 2
    assert len(page.query_selector_all("img, script, b, iframe")) == count
    assert page.evaluate("document.documentElement.scrollWidth") <= 1200
    assert len(node(page, b).locator(".name").text_content()) <= 60


VALUES = {
    "scalar": (np.float64(0.1) + 0.2, ["0.30000000000000004"]),
    "negative scalar": (-1e-300, ["−1e−300"]),
    "whole numbers": (np.array([1, -20, 123456]), ["1", "−20", "123456"]),
    "digits": (np.array([0.123456789, -1234.56789, 0.1]), ["0.1235", "−1235", "0.1"]),
    "sizes": (np.array([-3.25e-5, 1.5e10, 2e-200]), ["−3.25e−5", "1.5e10", "2e−200"]),
    "truths": (np.array([True, False]), ["True", "False"]),
    "complex": (np.array([1 + 2j, 0.5j]), ["(1+2j)", "0.5j"]),
    "specials": (np.array([np.nan, np.inf, -np.inf, 0.0]), ["nan", "inf", "−inf", "0"]),
}


@pytest.mark.parametrize("kind", VALUES)
def test_numbers_are_shown_short_and_kept_whole(show, kind):
    value, shown = VALUES[kind]
    page = show(one_node(value))
    numbers = page.locator('#panel [data-part="value"] [data-text]')
    assert numbers.all_text_contents() == shown
    assert cells(page, "value") == [str(number) for number in np.ravel(value)]
    if np.ndim(value):
        assert numbers.nth(1).get_attribute("title") == f"row 0, column 1: {value[1]}"


def test_a_cell_of_an_array_of_three_axes_tells_its_index(show):
    value = np.arange(24.0).reshape(2, 3, 4)
    page = show(one_node(value))
    titles = page.locator("#panel .heat span").evaluate_all("all => all.map(c => c.title)")
    assert titles[18] == "row 4, column 2, [1, 1, 2]: 18.0"
    assert cells(page, "value") == [str(number) for number in value.ravel()]


def test_a_node_without_a_name_goes_by_its_formula(show):
    net = Computation("unnamed", 200, 200)
    x = net.node("parameter", "x", 100, 40, 2.0)
    y = net.node("operation", "", 100, 140, 4.0, "x * x", "multiply")
    edge = net.edge(x, y)
    net.forward(y, [edge])
    net.seed(y, 1.0)
    net.backward(edge, "d(x * x) * x", np.float64(2.0), "x", np.float64(2.0))
    page = show(net.data)
    assert page.locator('[data-part="equation"]').text_content() == "x * x"
    press(page, "ArrowRight")
    assert page.locator('[data-part="equation"]').text_content() == "d(x * x) = 1"


def test_verdicts_are_marked_along_the_slider(show):
    data = small_net({"dA1": "correct", "dZ1": "wrong"})
    page = show(data)
    assert page.locator("#marks span").all_text_contents() == ["✓", "✗"]
    track = page.locator("#slider").bounding_box()
    wrong = page.locator("#marks span").last.bounding_box()
    at = [i for i, told in enumerate(data["steps"]) if "verdict" in told][1]
    expected = track["x"] + 8 + (track["width"] - 16) * at / (len(data["steps"]) - 1)
    assert wrong["x"] + wrong["width"] / 2 == pytest.approx(expected, abs=1.5)


def test_nan_and_infinities_are_marked_not_by_colour_alone(show):
    page = show(one_node(np.array([[np.nan, 1.0], [np.inf, -2.0]])))
    cell = page.locator("#panel .heat span")
    assert [c.split() for c in cell.evaluate_all("all => all.map(c => c.className)")] == [
        ["nan"],
        [],
        ["inf"],
        ["negative"],
    ]
    for i in (0, 2):
        image = cell.nth(i).evaluate("c => getComputedStyle(c).backgroundImage")
        assert image.startswith("repeating-linear-gradient")
    assert "1 nan  ·  1 inf" in page.locator(".extremes").text_content()


def test_colours_run_around_zero(show):
    page = show(one_node(np.array([-4.0, -1.0, 0.0, 2.0, 4.0])))
    cell = page.locator("#panel .heat span")
    shares = cell.evaluate_all("all => all.map(c => c.style.getPropertyValue('--share'))")
    assert shares == ["100%", "25%", "0%", "50%", "100%"]
    colours = cell.evaluate_all("all => all.map(c => getComputedStyle(c).backgroundColor)")
    assert len(set(colours)) == 5


def test_a_large_array_is_a_map_without_numbers_whose_cells_can_be_read(show):
    value = np.arange(30 * 20).reshape(30, 20) / 7
    page = show(one_node(value))
    assert cells(page, "value") == [str(number) for number in value.ravel()]
    grid, line = page.locator("#panel .heat"), page.locator("#panel .extremes")
    assert grid.text_content() == ""
    extremes = line.text_content()
    assert extremes.startswith("min 0  ·  mean")
    grid.locator("span").nth(43).hover()
    assert line.text_content() == f"row 2, column 3: {value[2, 3]}"
    page.mouse.move(5, 300)
    assert line.text_content() == extremes
    grid.focus()
    press(page, "ArrowRight", "ArrowRight", "ArrowDown")
    assert line.text_content() == f"row 1, column 1: {value[1, 1]}"
    assert step(page) == 0


def test_a_reduced_array_says_that_its_cells_are_means_of_blocks(show):
    data = one_node(1.0)
    net = Computation("", 1, 1)
    net.array(np.ones((3, 4)), reduced=True)
    data["arrays"] = [net.data["arrays"][0] | {"shape": [3000, 4000]}]
    page = show(data)
    assert "(3000, 4000) float64" in page.locator("#panel").text_content()
    assert "means of blocks, 3 × 4" in page.locator(".extremes").text_content()


def test_a_value_that_is_not_there_or_empty_is_no_obstacle(show):
    page = show(one_node(None))
    assert cells(page, "value") == []
    page = show(one_node(np.zeros((0, 3))))
    assert "no elements" in page.locator("#panel").text_content()


def test_nothing_to_walk_through_is_no_obstacle(show):
    page = show(Computation("empty", 10, 10).data)
    page.keyboard.press("End")
    page.keyboard.press(" ")
    page.locator("#search").fill("x")
    assert page.locator("#counter").text_content() == "no steps"


def test_the_address_keeps_the_step(show):
    page = show(small_net(), "#12")
    assert step(page) == 11
    press(page, "ArrowRight")
    page.wait_for_url("**#13")
    page.reload()
    page.wait_for_selector("body[data-step]")
    assert step(page) == 12
    page.evaluate("location.hash = '#3'")
    page.wait_for_selector('body[data-step="2"]')
    assert step(show(small_net(), "#9999")) == 17
    assert step(show(small_net(), "#<b>")) == 0


def test_wheel_zooms_about_the_pointer_and_a_drag_moves_without_a_click(show):
    data = small_net()
    page = show(data)
    box = node(page, named(data, "A2")).locator(".box")
    before = box.bounding_box()
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    until(page, lambda: box.bounding_box() != before)
    near = box.bounding_box()
    assert near["width"] > 1.2 * before["width"]
    assert near["x"] + near["width"] / 2 == pytest.approx(x, abs=2)
    page.mouse.down()
    page.mouse.move(x + 30, y + 20)
    page.mouse.move(x + 60, y + 40)
    page.mouse.up()
    moved = box.bounding_box()
    assert moved["x"] - near["x"] == pytest.approx(60, abs=1)
    assert moved["y"] - near["y"] == pytest.approx(40, abs=1)
    assert step(page) == 0


def test_two_fingers_zoom(show):
    page = show(small_net())
    before = page.locator(".scene").get_attribute("transform")
    page.evaluate(
        """() => {
          const graph = document.getElementById("graph");
          graph.setPointerCapture = () => {};
          const send = (kind, pointerId, clientX) => graph.dispatchEvent(
            new PointerEvent(kind, {pointerId, clientX, clientY: 300, button: 0, bubbles: true}));
          send("pointerdown", 1, 300);
          send("pointerdown", 2, 400);
          send("pointermove", 1, 250);
          send("pointermove", 2, 450);
          send("pointerup", 1, 250);
          send("pointerup", 2, 450);
          const click = () => new MouseEvent("click", {bubbles: true});
          document.querySelector('[data-node="7"]').dispatchEvent(click());
          document.body.dataset.dragged = document.body.dataset.step;
          document.querySelector('[data-node="7"]').dispatchEvent(click());
        }"""
    )
    scales = [
        float(re.search(r"scale\((.*)\)", text)[1])
        for text in (before, page.locator(".scene").get_attribute("transform"))
    ]
    assert scales[1] == pytest.approx(2 * scales[0], rel=0.01)
    # The click that ends a drag is none, and the next one is one.
    assert page.locator("body").get_attribute("data-dragged") == "0"
    assert step(page) == 3


def test_the_view_follows_the_walk(show):
    data = large_net(400)
    page = show(data)
    page.locator("#slider").fill("120")
    pane = page.locator("#pane").bounding_box()
    box = page.locator(".current .box").bounding_box()
    assert pane["x"] <= box["x"] and box["x"] + box["width"] <= pane["x"] + pane["width"]
    assert pane["y"] <= box["y"] and box["y"] + box["height"] <= pane["y"] + pane["height"]


def test_light_and_dark(show):
    def paper(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = (show(small_net(), color_scheme=scheme) for scheme in ("light", "dark"))
    papers = [paper(light), paper(dark)]
    assert papers[0] != papers[1]
    light.get_by_role("button", name="Dark theme").click()
    dark.get_by_role("button", name="Light theme").click()
    assert [paper(dark), paper(light)] == papers
    assert light.get_by_role("button", name="Light theme").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_told_from_its_ground(show, scheme):
    """A contrast of 4.5 to 1 (WCAG 2.2, 1.4.3), drawn on a canvas to have it in sRGB."""
    value = np.array([[-1.0, -0.5, 0.0], [0.5, 1.0, 0.25]])
    page = show(one_node(value), color_scheme=scheme)
    contrasts = page.evaluate(
        """() => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
          const light = (colour) => {
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(part => {
              part /= 255;
              return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
          };
          const contrast = (front, back) => {
            const [a, b] = [light(front), light(back)].sort((a, b) => b - a);
            return (a + 0.05) / (b + 0.05);
          };
          const ground = (element) => {
            const colour = getComputedStyle(element).backgroundColor;
            return colour === "rgba(0, 0, 0, 0)" && element.parentElement
              ? ground(element.parentElement) : colour;
          };
          const texts = [...document.querySelectorAll("#panel *, header *, footer *")].filter(
            element => [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim())
              && element.getAttribute("aria-disabled") !== "true" && element.tagName !== "OPTION");
          return texts.map(element =>
            [contrast(getComputedStyle(element).color, ground(element)), element.textContent]);
        }"""
    )
    assert len(contrasts) > 12
    assert min(contrasts)[0] >= 4.5, min(contrasts)


@pytest.mark.parametrize("address", ["#1", "#11", "#17"])
def test_a_narrow_screen_has_all_controls_and_no_overflow(show, address):
    data = small_net({"dA1": "correct", "dZ1": "wrong"})
    page = show(data, address, viewport={"width": 390, "height": 800}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("document.documentElement.scrollHeight") == 800
    controls = page.locator("button:visible, input:visible, select:visible").all()
    assert len(controls) == 13
    for control in controls:
        box = control.bounding_box()
        assert 0 <= box["x"] and box["x"] + box["width"] <= 390
        assert 0 <= box["y"] and box["y"] + box["height"] <= 800
        middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        assert control.evaluate(
            "(control, [x, y]) => control.contains(document.elementFromPoint(x, y))", middle
        )
    at = page.locator(".current").get_attribute("data-node")
    page.locator(".current .box").tap()
    assert data["steps"][step(page)]["node"] == int(at)
    page.get_by_role("button", name="First step").tap(force=True)
    assert step(page) == 0


def test_everything_has_a_role_and_a_name(show):
    data = small_net()
    page = show(data)
    for name in ("First step", "Step back", "Play", "Step forward", "Last step", "Zoom in"):
        assert page.get_by_role("button", name=name, exact=True).count() == 1
    names = page.locator("button").evaluate_all(
        "all => all.map(b => b.getAttribute('aria-label') || b.textContent.trim())"
    )
    assert all(names)
    graph = page.get_by_role("group", name="Computation graph of cost")
    assert graph.get_by_role("button").count() == len(data["nodes"])
    assert graph.get_by_role("button", name="Z1 = v1 + b1, operation, shape (4, 5)").count() == 1
    assert page.get_by_role("region", name="This step").is_visible()
    assert page.get_by_role("combobox", name="Speed").is_visible()
    assert page.locator("#live").get_attribute("aria-live") == "polite"


def test_each_step_is_told_in_a_sentence(show):
    page = show(small_net())
    live = page.locator("#live")
    assert live.text_content() == "Step 1 of 18, forward. v1 = W1 @ X, of shape (4, 5)."
    page.locator("#slider").fill("7")
    assert live.text_content() == "Step 8 of 18, backward. The gradient of cost by itself is 1."
    page.locator("#slider").fill("14")
    expected = "Step 15 of 18, backward. From A1, dZ1 is dA1 * (A1 * (1 - A1))."
    assert live.text_content() == expected


def test_tab_goes_through_the_page_in_the_order_of_sight(show):
    page = show(small_net())
    seen = []
    for _ in range(14):
        press(page, "Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.id || 'node ' + document.activeElement.dataset.node"
            )
        )
    wanted = ["search", "theme", "help", "node 0", "zoom-in", "zoom-out", "zoom-fit", "panel"]
    assert [name for name in seen if name in wanted] == wanted


def test_print_leaves_out_the_controls(show):
    page = show(small_net())
    page.emulate_media(media="print")
    assert not page.get_by_role("button", name="Play").is_visible()
    assert page.locator("#graph").is_visible() and page.locator("#panel").is_visible()


def test_the_whole_graph_is_printed_and_the_view_is_then_as_before(show):
    data = large_net(400)
    page = show(data)
    sight = page.locator(".scene").get_attribute("transform")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    pane = page.locator("#pane").bounding_box()
    for name in ("w0", "v199"):
        box = node(page, named(data, name)).bounding_box()
        assert pane["x"] <= box["x"] and box["x"] + box["width"] <= pane["x"] + pane["width"]
        assert pane["y"] <= box["y"] and box["y"] + box["height"] <= pane["y"] + pane["height"]
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".scene").get_attribute("transform") == sight
    assert not node(page, named(data, "v199")).is_visible()


def test_two_thousand_nodes(show):
    data = large_net(2000)
    page = show(data)
    assert page.locator("[data-node]").count() == 2000
    assert page.locator("#counter").text_content() == f"1 of {len(data['steps'])} – forward"
    for key, at in (("End", len(data["steps"]) - 1), ("ArrowLeft", len(data["steps"]) - 2)):
        assert press(page, key) == at
    told = data["steps"][step(page)]
    assert cells(page, "product") == data["arrays"][told["product"]]["cells"]
    page.locator("#search").fill("V999")
    page.locator("#search").press("Enter")
    assert page.locator(".found").get_attribute("data-node") == str(named(data, "v999"))
    assert page.locator(".found").is_visible()
    page.locator(".found").click()
    assert data["steps"][step(page)]["node"] == named(data, "v999")
    # A node out of sight isn't drawn, and Tab still finds the one that it goes to.
    press(page, "Home")
    assert not node(page, named(data, "w500")).is_visible()
    assert node(page, named(data, "v999")).get_attribute("tabindex") == "0"
    page.locator("#help").focus()
    press(page, "Tab")
    assert page.evaluate("document.activeElement.dataset.node") == str(named(data, "v999"))
    box = page.locator("#pane").bounding_box()
    found = node(page, named(data, "v999")).bounding_box()
    assert box["x"] <= found["x"] <= box["x"] + box["width"]
    assert page.locator('[data-gradient="complete"], [data-gradient="partial"]').count() == 0


def test_steps_are_drawn_alike_near_and_far(show):
    data = large_net(400)
    page = show(data)
    press(page, "0")
    assert page.locator("#graph.far").count() == 1
    assert page.locator(".label:visible").count() == 0
    for _ in range(8):
        press(page, "+")
    assert page.locator("#graph.far").count() == 0


def test_the_small_net_is_right():
    """The net that the tests show is itself one that holds: finite differences of its loss."""
    data = small_net()

    def array(name, key):
        found = data["arrays"][data["nodes"][named(data, name)][key]]
        return np.array([float(cell) for cell in found["cells"]]).reshape(found["shape"])

    X, Y, b1 = array("X", "value"), array("Y", "value"), array("b1", "value")
    W1, W2 = array("W1", "value"), array("W2", "value")

    def cost(W1, b1, W2):
        A1 = 1 / (1 + np.exp(-(W1 @ X + b1)))
        return np.mean((W2 @ A1 - Y) ** 2)

    for i, name in enumerate(("W1", "b1", "W2")):
        gradient = array(name, "gradient")
        for at in itertools.product(*map(range, gradient.shape)):
            ends = []
            for nudge in (1e-6, -1e-6):
                moved = [W1.copy(), b1.copy(), W2.copy()]
                moved[i][at] += nudge
                ends.append(cost(*moved))
            assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(gradient[at], abs=1e-8)
