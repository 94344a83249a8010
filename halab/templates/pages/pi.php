<?php
// The integral of 4 / (1 + x²) from 0 to 1 by the midpoint rule over n intervals.
$n = filter_var($_GET['n'] ?? null, FILTER_VALIDATE_INT, ['options' => ['min_range' => 1]]);
if (!$n) {
    http_response_code(400);
    exit("n must be a number of intervals, as in pi.php?n=100000\n");
}
$began = hrtime(true);
$sum = 0.0;
for ($i = 0; $i < $n; $i++) {
    $x = ($i + 0.5) / $n;
    $sum += 4.0 / (1.0 + $x * $x);
}
$seconds = (hrtime(true) - $began) / 1e9;
?>
<!DOCTYPE html>
<html>
<head><title>Pi</title></head>
<body>
<p>Pi by <?= $n ?> intervals is <?= sprintf('%.12f', $sum / $n) ?>.</p>
<p>It took <?= sprintf('%.6f', $seconds) ?> seconds.</p>
<p>Served by @SERVER@ at <?= $_SERVER['SERVER_ADDR'] ?>.</p>
</body>
</html>
