"""What one step of the page costs on a graph of 2,000 nodes, until the browser has painted it.

pytest tests/benchmarks/bench_page.py -s
"""

import statistics

import pytest
from pictures.browser import chromium
from pictures.page_data import large_net

from autograd_lite.pictures.assemble import assembled

LIMIT = 100.0
"""Milliseconds that a step may take."""

# A frame's callback comes before its painting, so the next one's comes after it.
TIMED_STEPS = """async ([key, count]) => {
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  for (let i = 0; i < count; i++) {
    await frame();
    const start = performance.now();
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    await frame();
    await frame();
    times.push(performance.now() - start);
  }
  return times;
}"""


@pytest.mark.parametrize("sight", ["near", "whole"])
@pytest.mark.parametrize("shape", [(4, 5), (10, 10)])
def test_a_step_on_2000_nodes(tmp_path, sight, shape):
    path = tmp_path / "large.html"
    path.write_text(assembled(large_net(2000, shape)), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 820})
        page.goto(path.as_uri())
        times = []
        for start, key in ((0, "ArrowRight"), (700, "ArrowRight"), (1800, "ArrowLeft")):
            # Each step counts at its best of three, for others use the machine as well.
            walks = []
            for _ in range(3):
                page.locator("#slider").fill(str(start))
                if sight == "whole":
                    page.keyboard.press("0")
                page.wait_for_timeout(500)
                walks.append(page.evaluate(TIMED_STEPS, [key, 40]))
            times += map(min, *walks)
    median, largest = statistics.median(times), max(times)
    print(f"\n{sight}, arrays {shape}: median {median:.1f} ms, largest {largest:.1f} ms")
    assert largest < LIMIT
