"""The process that `dicomgate serve` is: it owns ports, limits, configuration and children, and serves nobody itself.

It accepts connections and hands each to the worker that has the fewest; it counts what is open over all of them; it
starts a child again that has died; SIGHUP gives it a new generation of children, SIGTERM ends it. One thread, one poll,
no database: nothing that it does waits for a peer or a disk, so nobody can hold up the others here.
"""

from __future__ import annotations

import gc
import itertools
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Literal

from scp import metrics
from scp.admission import Admission, Limits
from scp.channel import (
    Admitted,
    Alive,
    AskStanding,
    Channel,
    Closed,
    Connection,
    Doing,
    Drain,
    Drained,
    Ended,
    Failed,
    Leased,
    Note,
    Opening,
    Pulse,
    Ready,
    Recover,
    Recovered,
    Standing,
    Stop,
)
from scp.config import ConfigError, Settings
from scp.listening import CannotListen, bind, listen, refuse_strangers, take_over
from scp.logs import set_up_logs
from scp.notify import PATIENCE, forget, handed_over, notify, reloading
from scp.records import Event
from scp.reload import Change, change
from scp.seldom import Seldom
from scp.service import CannotStart, greeting, read_rules, stop_event
from scp.settings import Dimse, Http, Tls
from scp.upper_layer import prepare_pynetdicom
from scp.watch import Health, Watch
from scp.worker import answer_http, prepare_node, receive_instances

log = logging.getLogger("dicomgate")

DRAIN = 10.0
"""Seconds that open Associations have to end once the node is told to stop."""

GRACE = 4.0
"""Seconds beyond that, or after a second signal, before a child that still runs is killed."""

STEADY = 10.0
"""Seconds after which a child that dies did not die at once."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
"""Seconds before a child that died at once is started again: doubled from the first to the longest."""

AT_ONCE = 64
"""Connections accepted before children are heard again."""

NOTES_KEPT = 1000

Role = Literal["prepare", "worker", "http"]


class Child:
    """A process, from its fork until it has been waited for."""

    def __init__(self, role: Role, slot: int, generation: int, pid: int, counter: int, channel: Channel) -> None:
        self.role = role
        self.slot = slot
        self.generation = generation
        self.pid = pid
        self.counter = counter
        """Whose files it counts in; another's once it has ended, so there are never more than processes."""
        self.channel = channel
        self.began = time.monotonic()
        self.state: Literal["starting", "ready", "draining", "drained", "stopping"] = "starting"
        self.numbers: set[int] = set()
        """Process numbers that its ids carry."""
        self.recovering: set[int] = set()
        """Those of dead processes, whose work it puts right."""
        self.why = ""
        """What it said when it could not start."""
        self.health = Health(str(self), self.began)
        self.unsent: deque[object] = deque()
        self.is_heard = True

    def __str__(self) -> str:
        return f"{_name(self.role, self.slot)} ({self.pid})"


class Acceptor:
    """The node as a whole. `reread` gives the settings anew; `say` is for the person who started it."""

    def __init__(self, settings: Settings, reread: Callable[[], Settings], say: Callable[[str], None] = print) -> None:
        self._settings = settings
        self._reread = reread
        self._say = say
        self._admission = Admission(_limits(settings))
        self._children: dict[int, Child] = {}
        """By pid."""
        self._generation = 1
        self._reloading: Change | None = None
        """What the next generation runs with, while it starts."""
        self._reload_again = False
        self._stopping_at: float | None = None
        """When children that still run are killed; None while the node serves."""
        self._left: set[int] = set()
        """Process numbers of the dead whose work nobody puts right yet."""
        self._notes: deque[Event] = deque(maxlen=NOTES_KEPT)
        self._deaths: dict[tuple[Role, int], int] = {}
        self._missing: dict[tuple[Role, int], float] = {}
        """Children to start, and when."""
        self._dead = 0
        self._turned_away = 0
        """Connections, since the start."""
        self._refused_lately = Seldom()
        self._is_starting = True
        self._is_accepting = False
        self._paused_until = 0.0
        self._selector = selectors.PollSelector()
        self._doors: dict[str, list[socket.socket]] = {}
        self._handed_over = handed_over()
        self._watch = Watch()
        self._step = "loads the rules"
        """What the start is at, since `_step_began`."""
        self._step_began = time.monotonic()
        self._addresses: dict[str, tuple[str, int]] = {}
        """Where the doors are bound; known when they are closed, too."""

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises CannotStart."""
        self._signals = _Signals()
        self._selector.register(self._signals.reading, selectors.EVENT_READ, lambda: self._signalled())
        try:
            self._start()
            while self._children or self._stopping_at is None:
                self._turn()
        finally:
            for child in self._children.values():
                os.kill(child.pid, signal.SIGKILL)
                os.waitpid(child.pid, 0)
            self._close_doors()
        log.info("stopped")

    # The beginning

    def _start(self) -> None:
        """Bring up everything, unless told to stop meanwhile. Raises CannotStart."""
        notify(f"STATUS={self._status()}")
        _warm(self._settings)
        try:
            metrics.begin(metrics.folder_of(self._settings))
        except OSError as error:
            log.error("nothing is counted for /metrics: %s", error)
        self._fork("prepare", 0, self._settings)
        while self._children:
            self._turn()
        try:
            if self._settings.dimse.plain:
                self._bind("dimse", self._settings.dimse)
            if self._settings.tls.enabled:
                self._bind("tls", self._settings.tls)
            self._bind("http", self._settings.http)
            refuse_strangers(self._handed_over)
            if self._stopping_at is None:
                self._fork_generation(self._settings)
            while any(each.state == "starting" for each in self._children.values()):
                self._turn()
            if self._stopping_at is not None:
                return
            for door, listeners in self._doors.items():
                for each in listeners:
                    listen(each, door)
        except CannotListen as problem:
            raise CannotStart(str(problem)) from problem
        self._is_starting = False
        self._admit_or_not()
        for line in greeting(self._settings, {door: port for door, (_, port) in self._addresses.items()}):
            self._say(line)
        sys.stdout.flush()
        if os.geteuid() == 0:
            log.warning("runs as root, which it does not need: see `dicomgate service unit`")
        self._notify_ready()

    def _bind(self, door: str, where: Dimse | Tls | Http) -> None:
        """Bind a door, or take what the service manager has bound for it."""
        self._doors[door] = take_over(self._handed_over.pop(door, []), door, where.port) or [
            bind(door, where.host, where.port)
        ]
        host, port = self._doors[door][0].getsockname()[:2]
        self._addresses[door] = host, port

    def _close_doors(self) -> None:
        for listeners in self._doors.values():
            for each in listeners:
                each.close()

    def _notify_ready(self) -> None:
        notify("READY=1", f"STATUS={self._status()}", patience=PATIENCE)

    def _status(self) -> str:
        """How the node is, in a line for people."""
        open_now = f"{self._admission.associations} associations open"
        if self._stopping_at is not None:
            return f"stopping: {open_now}"
        if self._is_starting:
            return f"starting: {self._step}"
        doors = ", ".join(f"{door.upper()} {_joined(*address)}" for door, address in self._addresses.items())
        workers = f"{len(self._workers())} of {_worker_count(self._settings)} workers"
        return f"serving {doors}: {workers}, {open_now}, generation {self._generation}"

    def _report(self) -> None:
        """Tell the service manager how the node is, and have the children show that they live."""
        now = time.monotonic()
        if not self._watch.due(now):
            return
        serving = self._serving("worker", "http")
        for each in serving:
            self._tell(each, Pulse())
        step = self._step_began if self._is_starting else None
        self._watch.turn(now, self._status(), [each.health for each in serving], step)

    # Children

    def _fork_generation(self, settings: Settings) -> None:
        for role, slot in _places(settings):
            self._fork(role, slot, settings)

    def _fork(self, role: Role, slot: int, settings: Settings) -> None:
        generation = self._generation + (self._reloading is not None)
        counting = {each.counter for each in self._children.values()}
        counter = next(each for each in itertools.count(1) if each not in counting)
        ours, theirs = Channel.pair()
        signals = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._signals.ignore()
                forget()
                signal.pthread_sigmask(signal.SIG_SETMASK, signals)
                ours.close()
                self._let_go(keep=role)
                _call_yourself(_name(role, slot))
                set_up_logs(settings.log, _name(role, slot))
                counts = metrics.opened(metrics.folder_of(settings), counter, settings)
                status = self._child_main(role, slot, settings, counts, theirs)
            except BaseException:
                log.exception("a process of the node has failed")
            finally:
                logging.shutdown()
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        theirs.close()
        child = Child(role, slot, generation, pid, counter, ours)
        self._children[pid] = child
        self._selector.register(ours, selectors.EVENT_READ, lambda: self._hear(child))

    def _let_go(self, keep: Role) -> None:
        """Close in a child what is the acceptor's: while a copy is open, nobody learns that the acceptor is gone."""
        self._selector.close()
        for each in self._children.values():
            each.channel.close()
        for door, listeners in self._doors.items():
            if door != keep:
                for listener in listeners:
                    listener.close()

    def _child_main(self, role: Role, slot: int, settings: Settings, counts: metrics.Metrics, channel: Channel) -> int:
        if role == "prepare":
            return prepare_node(settings, counts, channel, os.getppid())
        if role == "http":
            return answer_http(settings, counts, channel, self._doors["http"], is_first=slot == 1)
        return receive_instances(
            settings,
            counts,
            channel,
            self._associations_at,
            is_first=slot == 1,
            stands_in=not self._is_starting and self._reloading is None,
        )

    @property
    def _associations_at(self) -> tuple[str, int]:
        """Where Associations are taken: the plain port, or that of TLS where it is the only one."""
        return self._addresses["dimse" if self._settings.dimse.plain else "tls"]

    def _hear(self, child: Child) -> bool:
        """Take what a child has to say, up to as much as leaves the others their turn; whether there may be more."""
        for _ in range(AT_ONCE):
            try:
                heard = child.channel.receive()
            except BlockingIOError:
                return False
            if heard is None:
                self._hang_up(child)
                return False
            self._obey(child, heard[0])
        return True

    def _hang_up(self, child: Child) -> None:
        if child.is_heard:
            child.is_heard = False
            self._selector.unregister(child.channel)

    def _obey(self, child: Child, message: object) -> None:
        match message:
            case Opening(ask, address, calling_ae):
                self._tell(child, Admitted(ask, self._admission.open(child.pid, ask, address, calling_ae)))
            case Closed(id):
                self._admission.close(child.pid, id)
            case Ended(address):
                self._admission.disconnect(child.pid, address)
            case AskStanding(ask):
                self._tell(child, self._standing(ask))
            case Leased(number):
                child.numbers.add(number)
                self._left.discard(number)  # its lease ran out and is another's now: not ours to touch
            case Ready():
                self._ready(child)
            case Doing(what):
                self._step, self._step_began = what, time.monotonic()
                notify(f"STATUS={self._status()}")
            case Alive(busy):
                child.health.heard, child.health.busy = time.monotonic(), busy
            case Failed(why):
                child.why = why
            case Recovered():
                child.recovering = set()
            case Drained():
                child.state = "drained"
                if self._stopping_at is None:
                    self._stop(child)

    def _tell(self, child: Child, message: object) -> None:
        """Say something to a child; what it has no room for now it hears later."""
        if not child.unsent:
            try:
                child.channel.send(message)
                return
            except BlockingIOError:
                pass
            except OSError:  # it is dead; the signal that says so is on its way
                return
        child.unsent.append(message)

    def _tell_the_rest(self) -> None:
        for child in self._children.values():
            waiting, child.unsent = child.unsent, deque()
            for message in waiting:
                self._tell(child, message)

    def _ready(self, child: Child) -> None:
        if child.state != "starting":
            return
        child.state = "ready"
        child.health.heard = time.monotonic()
        log.log(logging.DEBUG if self._is_starting else logging.INFO, "%s is ready", child)
        if child.role == "prepare":
            return
        if self._stopping_at is not None:
            self._drain(child, 0)
        elif self._reloading is not None and all(each.state != "starting" for each in self._newest()):
            self._switch(self._reloading)
        self._admit_or_not()

    def _newest(self) -> list[Child]:
        """The children of the generation that is starting, or else of the one that serves."""
        generation = self._generation + (self._reloading is not None)
        return [each for each in self._children.values() if each.generation == generation and each.role != "prepare"]

    def _serving(self, *roles: Role) -> list[Child]:
        """The children that are in service."""
        return [each for each in self._children.values() if each.state == "ready" and each.role in roles]

    def _workers(self) -> list[Child]:
        return [each for each in self._serving("worker") if each.generation == self._generation]

    def _drain(self, child: Child, seconds: float | None) -> None:
        child.state = "draining"
        self._tell(child, Drain(seconds))

    def _stop(self, child: Child, last: Event | None = None) -> None:
        child.state = "stopping"
        self._tell(child, Stop(last))

    # A child ends

    def _reap(self) -> None:
        for child in list(self._children.values()):
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid:
                self._ended(child, os.waitstatus_to_exitcode(status))

    def _ended(self, child: Child, code: int) -> None:
        while child.is_heard and self._hear(child):  # what it said before it died still counts
            pass
        self._hang_up(child)
        child.channel.close()
        del self._children[child.pid]
        dropped = self._admission.release(child.pid)
        self._left |= child.recovering
        if child.role == "prepare" and (code == 0 or self._stopping_at is not None):
            pass
        elif code == 0 and child.state == "stopping":
            log.info("%s has ended", child)
        else:
            self._left |= child.numbers
            self._died(child, code, dropped)
        self._admit_or_not()

    def _died(self, child: Child, code: int, dropped: int) -> None:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        if child.why:
            how += f": {child.why}"
        if self._is_starting and self._stopping_at is None:
            raise CannotStart(child.why or f"{child} {how}; see the log")
        words = f"{_name(child.role, child.slot)} {how}; {dropped} associations were dropped"
        detail: dict[str, object] = {"pid": child.pid, "exit": code, "associations": dropped}
        log.error("%s", words)
        self._dead += 1
        self._note(f"{child.role}-died", words, detail)
        if self._stopping_at is not None:
            return
        if self._reloading is not None and child.generation > self._generation:
            self._give_up_reload(f"{_name(child.role, child.slot)} of the new generation {how}")
        elif child.generation == self._generation and child.state in ("starting", "ready"):
            self._start_again(child)

    def _start_again(self, child: Child) -> None:
        place = child.role, child.slot
        at_once = time.monotonic() - child.began < STEADY
        deaths = self._deaths[place] = self._deaths.get(place, 0) + 1 if at_once else 0
        pause = min(FIRST_PAUSE * 2 ** (deaths - 2), LONGEST_PAUSE) if deaths > 1 else 0.0
        self._missing[place] = time.monotonic() + pause

    def _start_missing(self) -> None:
        now = time.monotonic()
        for place, at in list(self._missing.items()):
            if at <= now and self._reloading is None:
                del self._missing[place]
                self._fork(*place, self._settings)

    def _recover_the_left(self) -> None:
        """Have what the dead left put right by one of the living, one at a time."""
        if not self._left or any(each.recovering for each in self._children.values()):
            return
        held = {number for each in self._children.values() for number in each.numbers}
        numbers, self._left = self._left - held, set()
        chosen = next(iter(self._serving("worker") or self._serving("http")), None)
        if chosen is None:
            self._left = numbers
        elif numbers:
            chosen.recovering = numbers
            self._tell(chosen, Recover(tuple(sorted(numbers))))

    # Connections

    def _admit_or_not(self) -> None:
        """Accept while there is a worker to hand connections to; else they wait in the kernel."""
        wanted = bool(self._workers()) and self._stopping_at is None and time.monotonic() >= self._paused_until
        if wanted == self._is_accepting or self._is_starting:
            return
        for door in ("dimse", "tls"):
            for each in self._doors.get(door, []):
                if wanted:
                    self._selector.register(each, selectors.EVENT_READ, partial(self._accept, each, door == "tls"))
                else:
                    self._selector.unregister(each)
        self._is_accepting = wanted

    def _accept(self, listener: socket.socket, is_tls: bool) -> None:
        for _ in range(AT_ONCE):
            try:
                client, address = listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:  # it has gone again
                continue
            except OSError as error:  # no descriptor, no memory: that may pass, and trying again at once may not help
                log.error("connections cannot be accepted: %s", error)
                self._paused_until = time.monotonic() + 0.5
                self._admit_or_not()
                return
            with client:
                self._hand_over(client, address, is_tls)

    def _hand_over(self, client: socket.socket, address: tuple[str, int], is_tls: bool) -> None:
        host, port = address[:2]
        for worker in sorted(self._workers(), key=lambda each: self._admission.load(each.pid)):
            if not self._admission.connect(worker.pid, host):
                self._refused(host)
                return
            try:
                if not worker.unsent:
                    worker.channel.send(Connection(host, port, is_tls), [client.fileno()])
                    return
            except OSError as error:
                log.warning("%s takes no connection: %s", worker, error)
            self._admission.disconnect(worker.pid, host)

    def _refused(self, address: str) -> None:
        """A flood of refusals is recorded once a minute an address."""
        self._turned_away += 1
        if not self._refused_lately.is_due(address):
            return
        text = f"{address}: too many connections are open; more are closed at once"
        self._note("connection-refused", text, {"address": address})
        log.warning("connections from %s are refused: too many are open", address)

    def _standing(self, ask: int) -> Standing:
        return Standing(
            ask,
            associations=self._admission.associations,
            connections=self._admission.connections,
            workers=len(self._workers()),
            wanted=_worker_count(self._settings),
            generation=self._generation,
            port=self._associations_at[1],
            deaths=self._dead,
            refused=self._turned_away,
        )

    # Events

    def _note(self, kind: str, text: str, detail: dict[str, object]) -> None:
        self._notes.append(Event(datetime.now(UTC), kind, text, detail))

    def _pass_notes(self) -> None:
        """Give events to a child that keeps a journal, as soon as there is one."""
        if not self._notes:
            return
        writers = self._serving("worker") or self._serving("http")
        if self._stopping_at is not None:
            writers = writers or [each for each in self._children.values() if each.state in ("draining", "drained")]
        if writers:
            for each in self._notes:
                self._tell(writers[0], Note(each))
            self._notes.clear()

    # Signals

    def _signalled(self) -> None:
        for number in self._signals.read():
            if number == signal.SIGHUP:
                self._reload()
            elif number in (signal.SIGTERM, signal.SIGINT):
                self._end()
        self._reap()

    def _end(self) -> None:
        """Drain and stop; told again, do not wait."""
        again = self._stopping_at is not None
        now = time.monotonic()
        seconds = 0.0 if again else DRAIN
        if not again:
            log.info("stopping")
            self._stopping_at = now + seconds + GRACE
            notify("STOPPING=1", f"STATUS={self._status()}", patience=PATIENCE)
        else:
            self._stopping_at = min(self._stopping_at or now, now + GRACE)
        self._missing.clear()
        self._admit_or_not()
        for each in self._children.values():
            if each.role == "prepare":
                os.kill(each.pid, signal.SIGKILL)
            elif each.state == "starting":
                self._stop(each)
            elif each.state in ("ready", "draining"):
                self._drain(each, seconds)
        self._close_doors()

    def _advance_stop(self) -> None:
        """Stop the children that are drained; the last of all records that the node has stopped."""
        if self._stopping_at is None:
            return
        serving = [each for each in self._children.values() if each.state != "stopping"]
        for each in list(serving):
            if each.state == "drained" and len(serving) > 1:
                self._stop(each)
                serving.remove(each)
        if len(serving) == 1 and serving[0].state == "drained":
            self._pass_notes()
            self._stop(serving[0], stop_event())
        if time.monotonic() >= self._stopping_at:
            for each in self._children.values():
                log.error("%s does not end, and is killed", each)
                os.kill(each.pid, signal.SIGKILL)
            self._stopping_at += GRACE

    # A new configuration

    def _reload(self) -> None:
        if self._stopping_at is not None or self._is_starting:
            return
        if self._reloading is not None:
            self._reload_again = True
            return
        reloading()
        try:
            found = change(self._settings, self._reread())
            read_rules(found.settings)
        except (ConfigError, CannotStart) as error:
            self._refuse_reload(str(error).splitlines())
            return
        except Exception as error:
            log.exception("the configuration cannot be read")
            self._refuse_reload([f"{type(error).__name__}: {error}"])
            return
        if found.ignored:
            log.warning("these need a restart, and keep the value that runs: %s", ", ".join(found.ignored))
        if not found.changed:
            self._reloaded(found)
            return
        log.info("the configuration has changed (%s): a new generation starts", ", ".join(found.changed))
        self._reloading = found
        self._missing.clear()
        self._fork_generation(found.settings)

    def _refuse_reload(self, errors: list[str]) -> None:
        for each in errors:
            log.error("the configuration is faulty and changes nothing: %s", each)
        words = f"a new configuration is faulty and changes nothing: {errors[0][:200]}"
        self._note("reload-refused", words, {"errors": [each[:300] for each in errors[:50]], "count": len(errors)})
        self._notify_ready()

    def _switch(self, found: Change) -> None:
        """The new generation is ready: it gets what comes from now on."""
        before = [each for each in self._children.values() if each.generation == self._generation]
        self._generation += 1
        self._settings, self._reloading = found.settings, None
        self._admission.limits = _limits(found.settings)
        self._deaths.clear()
        set_up_logs(found.settings.log)
        for each in before:
            if each.state == "starting":
                self._stop(each)
            elif each.state == "ready":
                self._drain(each, None)
        self._reloaded(found)
        if self._reload_again:
            self._reload_again = False
            self._reload()

    def _reloaded(self, found: Change) -> None:
        said = ", ".join(found.changed) if found.changed else "nothing"
        words = f"generation {self._generation} serves; changed: {said}"
        if found.ignored:
            words += f"; needs a restart: {', '.join(found.ignored)}"
        detail: dict[str, object] = {
            "generation": self._generation,
            "configuration": found.settings.digest,
            "changed": list(found.changed),
            "needs_restart": list(found.ignored),
        }
        self._note("reload", words, detail)
        log.info("%s", words)
        self._notify_ready()

    def _give_up_reload(self, why: str) -> None:
        """The new generation cannot start: the old one goes on, with the settings that it has."""
        for each in self._newest():
            if each.state == "starting":
                self._stop(each)
            else:
                self._drain(each, 0)
        self._reloading = None
        wanted = set(_places(self._settings))
        have = {(each.role, each.slot) for each in self._children.values() if each.generation == self._generation}
        self._missing = dict.fromkeys(wanted - have, time.monotonic())
        words = f"a new configuration could not be started and changes nothing: {why}"
        log.error("%s", words)
        self._note("reload-refused", words[:500], {"errors": [why[:500]], "count": 1})
        self._notify_ready()

    # The loop

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            if self._selector.get_map().get(key.fd) is key:  # not unregistered by the one before
                key.data()
        self._tell_the_rest()
        self._start_missing()
        self._recover_the_left()
        self._pass_notes()
        self._advance_stop()
        if self._paused_until:
            self._admit_or_not()
        self._report()

    def _patience(self) -> float | None:
        """Seconds until something is to be done of which no descriptor tells."""
        if any(each.unsent for each in self._children.values()):
            return 0.05
        now = time.monotonic()
        moments = list(self._missing.values()) if self._reloading is None else []
        if self._stopping_at is not None:
            moments.append(self._stopping_at)
        if self._paused_until > now:
            moments.append(self._paused_until)
        reported = self._watch.next(now)
        if reported is not None:
            moments.append(reported)
        return max(0.0, min(moments) - now) if moments else None


class _Signals:
    """Signals as bytes in a pipe.

    The system may give a signal to any thread, and a handler that takes a lock could wait for its own: so nothing
    happens in handlers, and the loop reads which they were.
    """

    handled = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(self._writing, False)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for each in self.handled:
            signal.signal(each, _nothing)

    def read(self) -> Iterable[int]:
        """The signals that came."""
        with suppress(BlockingIOError):
            return os.read(self.reading, 1 << 16)
        return b""

    def ignore(self) -> None:
        """In a child: the acceptor says what is to be done, also where a terminal signals to all of them."""
        signal.set_wakeup_fd(-1)
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self.reading)
        os.close(self._writing)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Python writes the signal's number to the pipe, whatever a handler does."""


def _warm(settings: Settings) -> None:
    """Load and compile, before any fork, what every child needs: it starts faster, and the memory is shared."""
    from rules.iods import storage_sop_classes
    from rules.plan import plan

    prepare_pynetdicom()
    read_rules(settings)
    for uid in storage_sop_classes():
        plan(uid)
    if settings.audit.url.startswith("postgresql"):
        import scp.postgres  # noqa: F401  # for the children
    gc.collect()
    gc.freeze()  # the children's collectors leave alone, and so shared, what is there now


def _call_yourself(name: str) -> None:
    """Be known by this name to `ps` and `top`."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def _limits(settings: Settings) -> Limits:
    dimse = settings.dimse
    return Limits(dimse.max_associations, dimse.max_associations_per_address, dimse.max_associations_per_ae)


def _worker_count(settings: Settings) -> int:
    return settings.dimse.workers or len(os.sched_getaffinity(0))


def _places(settings: Settings) -> list[tuple[Role, int]]:
    """The children that a generation has."""
    workers: list[tuple[Role, int]] = [("worker", each + 1) for each in range(_worker_count(settings))]
    return [*workers, *(("http", each + 1) for each in range(settings.http.workers))]


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _name(role: Role, slot: int) -> str:
    return f"{role}-{slot}" if slot else role
