"""What keeps a lab safe, taken out of the source: for each mechanism the test that misses it."""

from __future__ import annotations

from dataclasses import dataclass

DEAD_LABS = "tests/test_dead_labs.py::"
SESSIONS = "tests/test_killed_sessions.py::"
ENDINGS = "tests/test_endings.py::test_told_twice_it_mends_all_the_same"
FAULT = "tests/test_fault.py::"
INTENT = "tests/test_intent.py::"
LOCK = "tests/test_lab_lock.py::"
PUT_BACK = "tests/test_put_back.py::"
UNDOING = "tests/test_undoing.py::"
DISRUPTION = "tests/test_disruption.py::"
HEALING = "tests/test_healing.py::"
KILLED = "tests/test_killed_runs.py::"
REMOTE = "tests/test_remote_lab.py::"
FOREIGN = "tests/test_foreign_lab.py::"
DAYS = "tests/test_bad_days.py::"
HIDDEN = "tests/test_redaction.py::"
REPORT = HIDDEN + "test_report_of_a_failure_has_none"
KEYS = "tests/test_host_keys.py::"


@dataclass(frozen=True)
class Removal:
    """``was`` stands once in the file, and is replaced by ``becomes``; then the test fails.

    ``fast`` are those that a developer's every run can afford, one for each kind of mechanism.
    """

    name: str
    file: str
    was: str
    becomes: str
    test: str
    fast: bool = False


REMOVALS = (
    # -- a built lab hangs on its run
    Removal(
        "nobody watches the lifeline",
        "halab/lab/rack.py",
        "if lifeline is not None:\n            selector.register",
        "if False:\n            selector.register",
        DEAD_LABS + "test_lab_goes_with_the_run_that_holds_its_lifeline",
        fast=True,
    ),
    Removal(
        "the janitor clears whatever has its lab's name",
        "halab/lab/rack.py",
        "if not state(lab).exists() or os.path.samestat",
        "if True or os.path.samestat",
        DEAD_LABS + "test_janitor_clears_its_own_lab_alone[True]",
    ),
    Removal(
        "a lab that answers is taken for dead",
        "halab/lab/rack.py",
        "if not answers(name))",
        "if name)",
        DEAD_LABS + "test_dead_lab_is_cleared_and_a_living_one_stays",
    ),
    Removal(
        "no session clears what a dead one left",
        "fixtures/lab.py",
        "for name in rack.clear_dead():",
        "for name in ():",
        SESSIONS + "test_next_session_clears_a_dead_lab_before_anything_else",
    ),
    Removal(
        "a lab that cannot start is left as it is",
        "halab/lab/embedded.py",
        "if not rack.answers(name):\n                    rack.clear(name)\n                raise",
        "raise",
        DEAD_LABS + "test_lab_that_cannot_start_leaves_nothing",
    ),
    Removal(
        "a standing lab is used with a dead run's fault in it",
        "fixtures/lab.py",
        "if not left or not lab.standing or lab.is_around_us:",
        "if lab:",
        DEAD_LABS + "test_lab_that_stands_is_built_anew_where_a_dead_run_left_a_fault[a dead run's"
        " fault]",
    ),
    Removal(
        "SIGTERM ends a run at once",
        "halab/ending.py",
        "SIGNALS = (signal.SIGINT, signal.SIGTERM)",
        "SIGNALS = (signal.SIGINT,)",
        ENDINGS + "[fixture-SIGTERM, then Ctrl-C]",
    ),
    Removal(
        "a second Ctrl-C cuts the mending short",
        "halab/ending.py",
        "signal.signal(further, signal.SIG_IGN)",
        "pass",
        ENDINGS + "[test-Ctrl-C twice]",
    ),
    Removal(
        "packets for a lab may leave this machine",
        "halab/lab/guard.py",
        "if address in network and namespace.network() != inside:",
        "if False:",
        "tests/test_guard.py::test_connection_from_outside_is_refused",
    ),
    # -- the journal
    Removal(
        "a fault is done before it is written down",
        "halab/faults/fault.py",
        "        self._journal(journal.DOING)\n",
        "",
        FAULT + "test_the_line_is_there_before_anything_is_done",
        fast=True,
    ),
    Removal(
        "a fault that is done half-way stays",
        "halab/faults/fault.py",
        "            self.undo()\n            raise\n        self._took",
        "            raise\n        self._took",
        FAULT + "test_what_failed_half_way_is_undone_and_its_error_goes_on",
    ),
    Removal(
        "what was not permitted is undone all the same",
        "halab/faults/fault.py",
        "        if self._refused:\n",
        "        if False:\n",
        FAULT + "test_what_was_not_permitted_is_not_undone_either",
    ),
    Removal(
        "an undoing that was interrupted stays so",
        "halab/faults/fault.py",
        "        if self._left:\n",
        "        if False:\n",
        FAULT + "test_undoing_that_was_interrupted_is_finished",
    ),
    Removal(
        "a line that a full disk cut takes the next one with it",
        "halab/lab/journal.py",
        'f"\\n{json',
        'f"{json',
        FAULT + "test_line_that_a_full_disk_cut_hides_no_other",
    ),
    Removal(
        "a full disk cuts what heals the faults before",
        "halab/lab/intent.py",
        "> heal.new && cat",
        "> heal && cp heal heal.new && cat",
        INTENT + "test_full_disk_keeps_what_is_there_to_mend",
    ),
    Removal(
        "faults of one node do not take turns",
        "halab/lab/intent.py",
        "exec 8< .; flock 8; rm -f %s.sh",
        "rm -f %s.sh",
        INTENT + "test_faults_of_one_node_come_and_go_beside_each_other",
    ),
    Removal(
        "word stays on the nodes behind one that is away",
        "halab/lab/intent.py",
        "                failed.append(str(error))\n            else:",
        "                raise error\n            else:",
        INTENT + "test_word_is_taken_back_from_all_that_can_be_reached",
    ),
    Removal(
        "a copy that was cut is put back",
        "halab/keepalived.py",
        'BEFORE, CONFIG, f"{BEFORE}.new", f"{BEFORE}.new", BEFORE,',
        'BEFORE, CONFIG, BEFORE, "/dev/null", "/dev/null",',
        PUT_BACK + "test_full_disk_costs_nobody_his_configuration",
    ),
    Removal(
        "only the last step of an undoing counts",
        "halab/node.py",
        "}} || failed=1; ",
        "}}; ",
        UNDOING + "test_each_is_done_and_any_that_fails_is_told[false-true-1]",
    ),
    Removal(
        "a frozen web server is thawed by no heal",
        "halab/webserver.py",
        "|| kill -s {signal} --",
        "|| kill -{signal} --",
        UNDOING + "test_web_server_is_thawed",
    ),
    Removal(
        "a priority is back before keepalived has taken it over",
        "halab/keepalived.py",
        "&& systemctl reload-or-restart {UNIT} && rm {BEFORE}",
        "&& rm {BEFORE} && systemctl reload-or-restart {UNIT}",
        UNDOING + "test_priority_is_not_back_until_keepalived_has_taken_it_over",
    ),
    Removal(
        "a size that the kernel does not show is lost",
        "halab/faults/disk.py",
        "|| echo size=50%%; }",
        "|| true; }",
        PUT_BACK + "test_filesystem_in_memory_has_its_size_back[as the kernel gives it]",
    ),
    Removal(
        "a full disk keeps from mending",
        "halab/faults/fault.py",
        "        finally:  # a journal",
        "        except ValueError:  # a journal",
        FAULT + "test_full_disk_keeps_from_breaking_and_not_from_mending[1-True]",
    ),
    Removal(
        "what no node could mend by itself is done",
        "halab/lab/intent.py",
        "if not entry.heals:",
        "if False:",
        DISRUPTION + "test_what_no_node_could_mend_is_not_done",
    ),
    Removal(
        "a run does not heal what a dead one left",
        "fixtures/remote.py",
        "            _heal(config, lab)\n",
        "",
        KILLED + "test_next_run_mends_before_anything_else",
    ),
    Removal(
        "healing stops at the first dead machine",
        "halab/lab/intent.py",
        "            failed.append(str(error))\n            return []",
        "            raise",
        HEALING + "test_every_machine_is_healed_before_one_that_is_dead_is_told",
    ),
    Removal(
        "a run that lives is healed",
        "halab/remote_cli.py",
        "    if not dry_run:\n        _hold(lab)\n",
        "",
        HEALING + "test_a_live_run_is_left_alone",
    ),
    Removal(
        "who was not asked is said to be well",
        "halab/remote_cli.py",
        "    if not lab.described.disposable:\n",
        "    if False:\n",
        HEALING + "test_who_was_not_asked_is_not_said_to_be_well",
    ),
    Removal(
        "a run leaves its programs on clients",
        "halab/lab/remote.py",
        "        self._take_leavings([node for node in self.clients if node.backend.connected])\n",
        "",
        FOREIGN + "test_looking_accepts_it_and_changes_nothing",
    ),
    # -- the dead-man timer
    Removal(
        "no timer is armed",
        "halab/lab/intent.py",
        "systemctl --quiet is-active {TIMER}.timer || {{ ",
        "true || {{ ",
        KILLED + "test_nodes_mend_what_a_silent_run_left[HAProxy held dead]",
    ),
    Removal(
        "what a node could not mend it tries no more",
        "halab/lab/intent.py",
        " --property=Restart=on-failure",
        "",
        KILLED + "test_what_could_not_be_mended_is_tried_again[the node]",
    ),
    Removal(
        "what is mended is tried again",
        "halab/lab/intent.py",
        "stop {TIMER}.timer {TIMER}.service",
        "stop {TIMER}.timer",
        INTENT + "test_node_tries_no_more_what_is_mended[another]",
    ),
    Removal(
        "a run that lives has a healer behind it",
        "halab/lab/intent.py",
        """f"systemctl --quiet stop {TIMER}.service 2>/dev/null; "
    f"systemd-run""",
        'f"systemd-run',
        INTENT + "test_run_that_lives_has_a_timer_and_no_healer",
    ),
    Removal(
        "what mending starts is taken for a healer",
        "halab/lab/intent.py",
        " 8<&-; then",
        "; then",
        INTENT + "test_what_mending_starts_keeps_no_other_from_it",
    ),
    Removal(
        "a run that lives gives no signs of it",
        "halab/lab/intent.py",
        "        self._beat.start()\n",
        "",
        KILLED + "test_run_that_lives_is_not_mended_away",
    ),
    Removal(
        "a timer that a boot took away stays away",
        "halab/lab/intent.py",
        "|| exit 0; {{ {_ARM}; }} && systemctl",
        "|| exit 0; systemctl",
        KILLED + "test_timer_is_armed_again_where_a_node_has_lost_it",
    ),
    # -- the lock
    Removal(
        "two runs may have one built lab",
        "halab/lab/lock.py",
        "            self._socket.bind(name)\n            self._socket.listen()\n",
        "            pass\n",
        LOCK + "test_built_lab_is_held_by_its_name",
        fast=True,
    ),
    Removal(
        "two runs may have one director",
        "halab/lab/lock.py",
        "if ! flock -n 9; then",
        "if false; then",
        REMOTE + "test_second_run_is_told_who_holds_the_lab",
    ),
    Removal(
        "a lock has no lease",
        "halab/lab/lock.py",
        'while read -r -t "$1" said; do',
        "while read -r said; do",
        REMOTE + "test_silent_owner_loses_the_lock",
    ),
    Removal(
        "a stale lock is not told of",
        "halab/lab/lock.py",
        'echo "taken $left"',
        "echo taken",
        REMOTE + "test_lock_of_a_killed_run_is_taken_over_and_told",
    ),
    # -- only what is disposable
    Removal(
        "what is not disposable is broken",
        "halab/lab/disruption.py",
        '    if not remote.disposable:\n        return "the topology',
        '    if False:\n        return "the topology',
        DISRUPTION + "test_nothing_is_broken_that_is_not_said_to_be_disposable",
    ),
    Removal(
        "nobody need allow disruption",
        "halab/lab/disruption.py",
        "if not allowed:\n        return",
        "if False:\n        return",
        DISRUPTION + "test_nothing_is_broken_without_the_option",
    ),
    Removal(
        "a fault does not ask whether disruption was allowed",
        "halab/lab/disruption.py",
        "if not allowed:\n        raise",
        "if False:\n        raise",
        DISRUPTION + "test_nothing_is_broken_without_the_option",
    ),
    Removal(
        "a run that has lost the lab goes on breaking it",
        "halab/lab/remote.py",
        "        self.lock.require()\n",
        "",
        DISRUPTION + "test_nothing_is_broken_in_a_lab_that_was_lost",
    ),
    Removal(
        "a run does not notice that it has lost the lab",
        "halab/lab/lock.py",
        "                self._lost[node] = str(error)\n",
        "                pass\n",
        LOCK + "test_run_that_has_lost_the_lab_is_told_by_whom_it_is_held",
    ),
    Removal(
        "nodes of another lab are broken",
        "halab/lab/disruption.py",
        'return "" if said == lab_id else',
        'return "" if said else',
        DISRUPTION + "test_node_of_another_lab_is_not_broken[production\\n-0-web1 is of the lab"
        " 'production', not 'rack-7']",
        fast=True,
    ),
    Removal(
        "a fault does not ask the node that it strikes",
        "halab/lab/intent.py",
        "                self.permit(self.nodes[name])\n",
        "                pass\n",
        FOREIGN + "test_fault_asks_the_node_that_it_strikes",
    ),
    Removal(
        "word is left on a node before the others are asked",
        "halab/lab/intent.py",
        "                self.permit(self.nodes[name])\n            for name, commands in "
        "entry.heals.items():\n",
        "                pass\n            for name, commands in entry.heals.items():\n"
        "                self.permit(self.nodes[name])\n",
        DISRUPTION + "test_nothing_is_put_on_a_node_that_may_not_be_broken",
    ),
    # -- steady before and after
    Removal(
        "a session does not look at its start",
        "fixtures/remote.py",
        "config.stash[AILS] += cluster.findings() and cluster.findings()",
        "pass",
        DAYS + "test_it_is_told_by_name_and_rejected[a full disk]",
    ),
    Removal(
        "a cluster that is not well is broken further",
        "fixtures/remote.py",
        "if wrong := config.stash[AILS]:",
        "if wrong := []:",
        DAYS + "test_it_is_told_by_name_and_rejected[no Python]",
    ),
    Removal(
        "nobody looks at the nodes after a test",
        "halab/found.py",
        "return doctor.ails(self)",
        "return super().findings()",
        DAYS + "test_who_does_not_mend_what_he_broke_ends_the_session",
    ),
    Removal(
        "the doctor waits for whoever hangs",
        "halab/doctor.py",
        "futures.wait(looks.values(), WITHIN - ENDING)",
        "futures.wait(looks.values())",
        "tests/test_doctor.py::test_node_that_takes_its_time_is_not_waited_for",
    ),
    Removal(
        "a keepalived that hangs is well",
        "halab/doctor.py",
        '[ "$state" != T ] ||',
        "true ||",
        "tests/test_doctor.py::test_keepalived_that_was_stopped_by_a_signal_is_not_well[True]",
    ),
    # -- secrets
    Removal(
        "nothing is hidden",
        "halab/redaction.py",
        "            text = text.replace(secret, HIDDEN)\n",
        "            pass\n",
        HIDDEN + "test_longer_secret_is_hidden_whole",
        fast=True,
    ),
    Removal(
        "secrets are hidden only as they are",
        "halab/redaction.py",
        "form for form in _written(line) if",
        "form for form in [line] if",
        HIDDEN + "test_secret_is_hidden_as_repr_writes_it",
    ),
    Removal(
        "pieces of secrets that were cut are shown",
        "halab/redaction.py",
        "return _pieces_hidden(text, ordered)",
        "return text",
        HIDDEN + "test_piece_of_a_secret_is_hidden_where_a_repr_was_cut",
    ),
    Removal(
        "what is broken is taken for whole",
        "halab/redaction.py",
        'rf"{_LEFT_OUT}|{_JOINT}"',
        "_LEFT_OUT",
        HIDDEN + "test_piece_of_a_secret_is_hidden_where_bytes_are_broken",
    ),
    Removal(
        "each line of a report is looked at by itself",
        "halab/redaction.py",
        "return _lines_redacted(value)",
        "return [redacted(item) for item in value]",
        REPORT,
    ),
    Removal(
        "errors quote secrets",
        "halab/errors.py",
        "redacted(one) if isinstance(one, str) else one for one in said",
        "one for one in said",
        HIDDEN + "test_errors_quote_no_secret",
    ),
    Removal(
        "the terminal shows secrets",
        "fixtures/secrecy.py",
        "self._file.write(redacted(text))",
        "self._file.write(text)",
        REPORT,
    ),
    Removal(
        "plugins are given secrets",
        "fixtures/secrecy.py",
        "def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:",
        "def _unused() -> Generator[None, pytest.TestReport, pytest.TestReport]:",
        REPORT,
    ),
    Removal(
        "what comes to a report late has secrets",
        "fixtures/secrecy.py",
        "    redact(report)\n",
        "    pass\n",
        REPORT,
    ),
    Removal(
        "the log has secrets",
        "fixtures/secrecy.py",
        "redacted(record.getMessage()), None",
        "record.getMessage(), None",
        HIDDEN + "test_log_has_none_whoever_writes_it",
    ),
    Removal(
        "the page for a CI has secrets",
        "halab/verdict.py",
        "redacted(text).split()",
        "text.split()",
        "tests/test_verdict.py::test_page_hides_secrets_before_it_escapes_them",
    ),
    # -- trust
    Removal(
        "an unknown host key is taken",
        "halab/host_key.py",
        "        raise Unreachable(",
        "        str(",
        KEYS + "test_unknown_node_is_refused",
        fast=True,
    ),
    Removal(
        "host keys are those of nobody in particular",
        "halab/transport.py",
        "            client.load_host_keys(str(access.known_hosts))\n",
        "",
        KEYS + "test_node_with_another_key_is_refused",
    ),
    Removal(
        "values reach a shell as they are",
        "halab/node.py",
        "tuple(shlex.quote(str(value)) for value in values)",
        "values",
        "tests/test_hostile_values.py::test_shell_gets_each_value_as_it_is",
    ),
)
