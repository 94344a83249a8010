<?php
// A page that takes ms milliseconds to come, in five pieces, the first of them at once.
$range = ['min_range' => 0, 'max_range' => 10000];
$ms = filter_var($_GET['ms'] ?? null, FILTER_VALIDATE_INT, ['options' => $range]);
if ($ms === false) {
    http_response_code(400);
    exit("ms must be 0 to 10000, as in slow.php?ms=1000\n");
}
while (ob_get_level()) {
    ob_end_flush();
}
ob_implicit_flush();
echo "<!DOCTYPE html>\n<title>Slow page</title>\n<p>Served by @SERVER@ in $ms ms.</p>\n";
for ($piece = 0; $piece < 4; $piece++) {
    usleep($ms * 250);
    echo "<p>A quarter more.</p>\n";
}
