"""What belongs on a director in a configuration: files by path, from the topology's facts."""

from __future__ import annotations

from typing import Any

from halab import templates, tracking
from halab.configuration import Configuration
from halab.cpu import cpu_list
from halab.haproxy import HAProxy
from halab.keepalived import CONFIG, DROP_IN, FIREWALL
from halab.lab.plan import Secrets
from halab.topology import Topology

ANY = "0-1023"
"""To taskset: every CPU that is there."""


def facts(
    director: str, configuration: Configuration, topology: Topology, secrets: Secrets
) -> dict[str, Any]:
    """What the templates of the director of that name are filled with; two are passwords."""
    return {
        "name": director,
        "director": topology.directors[director],
        "directors": tuple(topology.directors.values()),
        "vrrp": configuration.vrrp(topology),
        "tracking": configuration.tracking,
        "script": tracking.DEPLOYED,
        "processes": configuration.processes,
        "nopreempt": configuration.nopreempt,
        "preempt_delay": configuration.preempt_delay,
        "persistence": configuration.persistence,
        "health_check": configuration.health_check,
        "http_reuse": configuration.http_reuse,
        "higher_prio_send_advert": configuration.higher_prio_send_advert,
        "haproxy": topology.haproxy,
        "vip": topology.vip,
        "backends": configuration.backends(topology),
        "web_port": topology.webserver.port,
        "check_inter": configuration.checks_every(topology),
        "check_inter_ms": round(configuration.checks_every(topology) * 1000),
        "layer": configuration.layer,
        "port": topology.haproxy.frontend_ports[0],
        "vrrp_password": secrets.vrrp,
        "stats_password": secrets.stats,
    }


def facts_of_process(
    process: int, configuration: Configuration, topology: Topology
) -> dict[str, Any]:
    """And those of one HAProxy process."""
    count = len(configuration.backends(topology))
    return {
        "process": process,
        "socket": f"/run/haproxy/HAProxy{count}{process}.sock",
        "threads": configuration.haproxy_threads,
        "cpus": configuration.cpus_of(process),
        "ports": configuration.ports_of(process, topology),
    }


def files(
    director: str, configuration: Configuration, topology: Topology, secrets: Secrets
) -> dict[str, str]:
    """The files of the director of that name, whole, by path."""
    filled = facts(director, configuration, topology, secrets)
    processes = filled["processes"]
    wanted = {
        "/etc/sysctl.d/90-vip.conf": templates.render("vip.sysctl.j2", **filled),
        "/etc/systemd/system/haproxy@.service": templates.text("haproxy@.service"),
        CONFIG: templates.render("keepalived.conf.j2", **filled),
        FIREWALL: templates.render("vrrp.nft.j2", **filled),
        DROP_IN: templates.render("keepalived.drop-in.j2", **filled),
    }
    if configuration.tracking == "script":
        ports = [topology.haproxy.stats.port + process - 1 for process in processes]
        wanted[tracking.USER] = templates.text("keepalived.sysusers")
        wanted[tracking.SCRIPT] = templates.render("check-haproxy.j2", stats_ports=ports, **filled)
    for process in processes:
        own = facts_of_process(process, configuration, topology)
        wanted[HAProxy.config_of(process)] = templates.render("haproxy.cfg.j2", **filled, **own)
        wanted[HAProxy.cpus_file_of(process)] = f"CPUS={cpu_list(own['cpus']) or ANY}\n"
    return wanted
