"""The prober: an open-loop HTTP client that runs alone on a client node.

It is copied there as one zip file and started as ``python3 prober.pyz --target ADDR:PORT``, so it
needs the standard library only (Python 3.9 or later, Linux) and imports nothing of this project
but itself. Every ``--interval`` seconds it sends one GET, whatever became of the earlier ones: a
client that waits for answers would ask least just when the service is worst.

Its ``--kind`` is one of

``new``        a new connection for each request;
``keepalive``  kept connections: a request goes out on one that is idle, or on a new one;
``slow``       a new connection for each request, of a page that takes ``--takes`` seconds: when
               a fault strikes, that many seconds of requests have their answers half had.

It prints one line of JSON when ready, answers ``mark NAME`` on stdin with its own time and ``calm``
with how long all was answered, and ends on ``stop``, end of file, SIGTERM or after ``--longest``
seconds. Then it prints its record: a header line and a line of rows
``[number, lag_us, duration_us, outcome, backend, detail, session]``.
Send ``number`` was meant for ``started + number * interval`` on this node's CLOCK_MONOTONIC, went
out ``lag_us`` after that, and its duration counts from when it was meant. Outcome, backend and
detail index the header's tables; -1 is none. ``session`` is how often the client's cookies had
changed when it went out: 0 is before the first.
"""
