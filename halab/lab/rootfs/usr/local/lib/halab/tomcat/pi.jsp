<%-- Does what pi.php does; Tomcat makes a servlet of it. --%>
<%@ page contentType="text/html; charset=UTF-8" session="false" trimDirectiveWhitespaces="true" %>
<%@ page import="java.util.Locale" %>
<%!
    /** The integral of 4 / (1 + x²) from 0 to 1 by the midpoint rule over n intervals. */
    private static double integral(int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double x = (i + 0.5) / n;
            sum += 4.0 / (1.0 + x * x);
        }
        return sum / n;
    }
%>
<%
    int n = 0;
    try {
        n = Integer.parseInt(request.getParameter("n"));
    } catch (NumberFormatException none) {
        // it is no number of intervals, as 0 is none
    }
    if (n < 1) {
        response.sendError(400, "n must be a number of intervals, as in PiServlet?n=100000");
        return;
    }
    long began = System.nanoTime();
    double pi = integral(n);
    double seconds = (System.nanoTime() - began) / 1e9;
    response.setHeader("X-Served-By", "@SERVER@");
%>
<!DOCTYPE html>
<html>
<head><title>Pi</title></head>
<body>
<p>Pi by <%= n %> intervals is <%= String.format(Locale.ROOT, "%.12f", pi) %>.</p>
<p>It took <%= String.format(Locale.ROOT, "%.6f", seconds) %> seconds.</p>
<p>Served by @SERVER@ at <%= request.getLocalAddr() %>.</p>
</body>
</html>
