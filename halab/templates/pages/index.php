<!DOCTYPE html>
<html>
<head><title>Test page</title></head>
<body>
<p>Test page of the cluster, served by @SERVER@ at <?= $_SERVER['SERVER_ADDR'] ?>.</p>
<p>PHP runs as <?= PHP_SAPI ?>.</p>
<p>Today is <?= date('Y-m-d') ?>, the time <?= date('H:i:s') ?>.</p>
</body>
</html>
