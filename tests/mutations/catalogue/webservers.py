"""Pages, PHP, the servlet, and connections to web servers."""

from __future__ import annotations

from tests.mutations.breakage import backends, haproxy, node
from tests.mutations.mutation import Mutation

PAGES = "suites/webservers/test_pages.py::"
PI = "suites/webservers/test_pi.py::"
FPM_ENDS = 'kill "$(cat /run/php/php8.2-fpm.pid)"'
SERVLET = "suites/webservers/test_servlet.py::"
CONNECTIONS = "suites/webservers/test_connections.py::"

MUTATIONS = (
    Mutation(
        "php-fpm is dead behind nginx",
        PAGES + "test_every_vm_serves_each_page[web_server=nginx-index.php]",
        "'web3': ['status 502']",
        lambda c: node.done(c.vm("web3"), FPM_ENDS, "php-fpm8.2"),
        fast=True,
    ),
    Mutation(
        "nginx sends PHP's source",
        PAGES + "test_every_vm_serves_each_page[web_server=nginx-pi.php?n=1000]",
        "sent, and not run",
        lambda c: backends.web_server_with(
            c,
            "web3",
            "sed -i 's/.php. {/.phtml$ {/' /etc/nginx/nginx.conf",
            "sed -i 's/.phtml. {/.php$ {/' /etc/nginx/nginx.conf",
        ),
    ),
    Mutation(
        "Apache's event MPM has no way to php-fpm",
        PAGES + "test_every_vm_serves_each_page[web_server=apache-event-index.php]",
        "sent, and not run",
        lambda c: backends.web_server_with(
            c, "web3", "a2disconf -q php8.2-fpm", "a2enconf -q php8.2-fpm"
        ),
    ),
    Mutation(
        "HAProxy answers a page in the web servers' place",
        PAGES + "test_the_vip_serves_each_page[default-index.php]",
        "status 403",
        lambda c: haproxy.cfg(
            c, "s/( +)default_backend .*/\\1http-request deny if { path \\/index.php }\\n&/"
        ),
    ),
    Mutation(
        "HAProxy asks backends for something else",
        PAGES + "test_the_vip_serves_each_page[default-pi.php?n=1000]",
        "pi over 1000 intervals",
        lambda c: haproxy.cfg(c, "s/( +)default_backend .*/\\1http-request set-query n=999\\n&/"),
    ),
    Mutation(
        "a backend is never served",
        PAGES + "test_the_vip_serves_each_page[default-index.html]",
        "web9",
        lambda c: haproxy.weighted(c, ["web9"], 0),
    ),
    Mutation(
        "a VM runs Apache where nginx is asked for",
        PAGES + "test_the_web_server_is_the_one_asked_for[web_server=nginx]",
        "'web3': 'Apache/",
        lambda c: node.done(
            c.vm("web3"),
            "nginx -s stop; while pgrep -x nginx; do sleep 0.1; done; "
            "APACHE_STARTED_BY_SYSTEMD=yes apache2ctl start",
            "apache2ctl stop; while pgrep -x apache2; do sleep 0.1; done; nginx",
        ),
    ),
    Mutation(
        "a VM has prefork where the event MPM is asked for",
        PAGES + "test_php_and_workers_are_as_asked_for[web_server=apache-event]",
        "'web3': ('fpm-fcgi', False)",
        lambda c: backends.web_server_with(
            c,
            "web3",
            "a2dismod -q mpm_event && a2enmod -q mpm_prefork",
            "a2dismod -q mpm_prefork && a2enmod -q mpm_event",
        ),
    ),
    Mutation(
        "a VM has php-fpm where mod_php is asked for",
        PAGES + "test_php_and_workers_are_as_asked_for[default]",
        "'web3': ('fpm-fcgi', False)",
        lambda c: backends.web_server_with(
            c,
            "web3",
            "php-fpm8.2; a2dismod -q php8.2; a2enmod -q proxy_fcgi; a2enconf -q php8.2-fpm",
            f"{FPM_ENDS}; a2enmod -q php8.2; a2disconf -q php8.2-fpm",
        ),
    ),
    Mutation(
        "pi.php leaves out the last interval",
        PI + "test_pi_is_right_to_what_n_gives[web_server=nginx-1000000]",
        "3.14159065",
        lambda c: node.done(
            c.vm("web1"),
            "sed -i 's/i < .n;/i < $n - 1;/' /var/www/html/pi.php",
            "sed -i 's/i < .n - 1;/i < $n;/' /var/www/html/pi.php",
        ),
    ),
    Mutation(
        "pi.php does no more than a million intervals",
        PI + "test_time_is_linear_in_n[default]",
        "approx",
        lambda c: node.done(
            c.vm("web1"),
            "sed -i 's/i < .n;/i < min($n, 1000000);/' /var/www/html/pi.php",
            "sed -i 's/i < min(.n, 1000000);/i < $n;/' /var/www/html/pi.php",
        ),
    ),
    Mutation(
        "the servlet integrates another function",
        SERVLET + "test_every_vm_serves_the_servlet",
        "pi over 1000 intervals",
        lambda c: backends.servlet_with(c, "web2", "s/1.0 + x/1.1 + x/", "s/1.1 + x/1.0 + x/"),
        guests="java",
    ),
    Mutation(
        "the servlet leaves out the last interval",
        SERVLET + "test_pi_is_right_to_what_n_gives[1000000]",
        "3.14159065",
        lambda c: backends.servlet_with(c, "web1", "s/i < n;/i < n - 1;/", "s/n - 1;/n;/"),
        guests="java",
    ),
    Mutation(
        "the servlet takes no intervals for a number of them",
        SERVLET + "test_what_is_no_number_of_intervals_is_refused[?n=0]",
        "200 == 400",
        lambda c: backends.servlet_with(c, "web1", "s/n < 1/n < 0/", "s/n < 0/n < 1/"),
        guests="java",
    ),
    Mutation(
        "HAProxy asks the servlet for something else",
        SERVLET + "test_the_vip_serves_the_servlet",
        "pi over 1000 intervals",
        lambda c: haproxy.cfg(c, "s/( +)default_backend .*/\\1http-request set-query n=999\\n&/"),
        guests="java",
    ),
    Mutation(
        "HAProxy shares connections that it is to keep apart",
        CONNECTIONS + "test_connections_to_web_servers[web_server=nginx]",
        "least <= made",
        lambda c: haproxy.cfg(c, "s/http-reuse never/http-reuse always/"),
    ),
    Mutation(
        "HAProxy shares no connection",
        CONNECTIONS + "test_a_client_that_stays_shares_what_others_opened"
        "[web_server=nginx,http_reuse=safe]",
        "made <= most",
        lambda c: haproxy.cfg(c, "s/http-reuse safe/http-reuse never/"),
    ),
    Mutation(
        "HAProxy lends a client what another has opened, where it is to keep them apart",
        CONNECTIONS + "test_a_client_that_stays_shares_what_others_opened[web_server=nginx]",
        "least <= made",
        lambda c: haproxy.cfg(c, "s/http-reuse never/http-reuse safe/"),
    ),
    Mutation(
        "HAProxy opens a connection for each request where all are to be shared",
        CONNECTIONS + "test_connections_to_web_servers[web_server=nginx,http_reuse=always]",
        "made <= most",
        lambda c: haproxy.cfg(c, "s/http-reuse always/http-reuse safe/"),
    ),
    Mutation(
        "HAProxy speaks no HTTP/2 to clients",
        CONNECTIONS + "test_http_2_clients_get_every_page[web_server=nginx-index.php]",
        "HTTP/2",
        lambda c: haproxy.cfg(c, "s/( +)option abortonclose/&\\n\\1option disable-h2-upgrade/"),
    ),
)
