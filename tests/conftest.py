"""Options of the tests."""


def pytest_addoption(parser):
    parser.addoption("--fuzz", type=int, default=200, help="how many random programs to run")
