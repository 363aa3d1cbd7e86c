"""Marks the right derivations and their mutants, and prints what came of it.

cd tests; python -m derivations.hands --jobs 2 --sample 10 --form script --failures
"""

import argparse
import multiprocessing
import time
import warnings

from derivations.hands import HANDS
from derivations.hands.hand import FORMS, Hand
from derivations.hands.mutants import Mutant, corpus_of
from derivations.hands.verdicts import Verdict, every, false_alarm, table, verdict


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m derivations.hands", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--form", choices=FORMS, help="only hands of this form")
    parser.add_argument("--hand", help="only hands with this in their name")
    parser.add_argument("--kind", help="only mutants of a kind with this in its name")
    parser.add_argument("--sample", type=int, default=1, help="one mutant out of so many")
    parser.add_argument("--offset", type=int, default=0, help="how many to skip before the first")
    parser.add_argument("--right", action="store_true", help="only the right derivations")
    parser.add_argument("--count", action="store_true", help="count the mutants, mark nothing")
    parser.add_argument("--failures", action="store_true", help="print each that is not right")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    warnings.simplefilter("ignore")
    hands = [h for h in HANDS if chosen.form in (None, h.form) and (chosen.hand or "") in h.name]
    with multiprocessing.get_context("fork").Pool(chosen.jobs) as pool:
        if not chosen.count:
            alarms = pool.map(false_alarm, hands, chunksize=1)
            for hand, alarm in zip(hands, alarms, strict=True):
                if alarm:
                    print(f"right, but {hand.name} ({hand.form}): {alarm[:300]}")
            print(
                f"{sum(not a for a in alarms)} of {len(hands)} right derivations are called right"
            )
        if chosen.right:
            return
        found = pool.starmap(_drafted, [(hand, chosen.kind or "") for hand in hands], chunksize=1)
        mutants = [mutant for of_hand, _ in found for mutant in of_hand]
        if chosen.count:
            for hand, (of_hand, raising) in zip(hands, found, strict=True):
                print(f"{hand.form:34}{hand.name:62}{len(of_hand):6}{raising:6} raise")
            print(f"{len(mutants)} mutants, {sum(raising for _, raising in found)} raise")
            return
        verdicts: list[Verdict] = []
        began = time.monotonic()
        for done in pool.imap(verdict, every(mutants[chosen.offset :], chosen.sample)):
            verdicts.append(done)
            if chosen.failures and not (done.located and done.cause == "right"):
                print(done, flush=True)
    print(table(verdicts, lambda m: m.kind, "kind"), "\n")
    print(table(verdicts, lambda m: m.hand.name, "hand"), "\n")
    print(table(verdicts, lambda m: m.hand.form, "form"))
    print(f"{(time.monotonic() - began) * chosen.jobs / max(len(verdicts), 1):.2f} s a mutant")


def _drafted(hand: Hand, kind: str) -> tuple[list[Mutant], int]:
    found = corpus_of(hand)
    return [m for m in found.mutants if kind in m.kind], len(found.raising)


if __name__ == "__main__":
    main()
