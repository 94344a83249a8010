<?php
// The integral of 4 / (1 + x²) from 0 to 1 by the midpoint rule over n intervals.
$n = filter_var($_GET['n'] ?? null, FILTER_VALIDATE_INT, ['options' => ['min_range' => 1]]);
if (!$n) {
    http_response_code(400);
    exit("n must be a number of intervals, as in pi.php?n=100000\n");
}
// what the operating system counts for this process, in seconds
function cpu(): float
{
    $used = getrusage();
    $micro = $used['ru_utime.tv_usec'] + $used['ru_stime.tv_usec'];
    return $used['ru_utime.tv_sec'] + $used['ru_stime.tv_sec'] + $micro / 1e6;
}
$cpu = cpu();
$began = hrtime(true);
$sum = 0.0;
for ($i = 0; $i < $n; $i++) {
    $x = ($i + 0.5) / $n;
    $sum += 4.0 / (1.0 + $x * $x);
}
$seconds = (hrtime(true) - $began) / 1e9;
$cpu = cpu() - $cpu;
?>
<!DOCTYPE html>
<html>
<head><title>Pi</title></head>
<body>
<p>Pi by <?= $n ?> intervals is <?= sprintf('%.12f', $sum / $n) ?>.</p>
<p>It took <?= sprintf('%.6f', $seconds) ?> seconds, <?= sprintf('%.6f', $cpu) ?> of a CPU.</p>
<p>Served by @SERVER@ at <?= $_SERVER['SERVER_ADDR'] ?>.</p>
</body>
</html>
