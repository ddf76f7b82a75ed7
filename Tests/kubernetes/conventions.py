#!/usr/bin/env python3
"""Checks rendered manifests on standard input for the conventions of node agents, and examples for the restricted level.

conventions.py agent|restricted NAME: prints what is wrong, and ends with 1 then.
"""
import sys

import yaml

kind, name = sys.argv[1:3]
documents = [each for each in yaml.safe_load_all(sys.stdin) if each]
problems = []


def need(truth, what):
    if not truth:
        problems.append(what)


def containers(pod):
    return pod.get("initContainers", []) + pod["containers"]


def agent():
    by_kind = {}
    for each in documents:
        by_kind.setdefault(each["kind"], []).append(each)
    need(set(by_kind) <= {"Namespace", "ServiceAccount", "ConfigMap", "DaemonSet"}, f"kinds: {sorted(by_kind)}")
    need(by_kind["Namespace"][0]["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") == "privileged",
         "the namespace is not of the privileged level: rke2's cis profile would refuse the pods")
    need(by_kind["ServiceAccount"][0].get("automountServiceAccountToken") is False, "the service account gives its token")
    for each in documents[1:]:
        need(each["metadata"].get("namespace") == "nodeguard", f"{each['kind']} is in another namespace")
    (daemon,) = by_kind["DaemonSet"]
    update = daemon["spec"]["updateStrategy"]
    need(update["type"] == "RollingUpdate" and update["rollingUpdate"]["maxUnavailable"] == 1, "not one node after the other")
    pod = daemon["spec"]["template"]["spec"]
    need(pod["hostNetwork"] is True, "not on the host's network")
    need(not pod.get("hostPID") and not pod.get("hostIPC"), "shares more of the host than its network")
    need(pod["automountServiceAccountToken"] is False, "has a token")
    need(pod["priorityClassName"] == "system-node-critical", "is no critical pod")
    need({"operator": "Exists"} in pod["tolerations"], "does not tolerate every taint")
    volumes = {each["name"]: each for each in pod["volumes"]}
    writable = {"/var/lib/nodeguard", "/run/nodeguard", "/var/lib/prometheus/node-exporter"}
    for each in containers(pod):
        context = each["securityContext"]
        label = f"container {each['name']}"
        need(not context.get("privileged"), f"{label} is privileged")
        need(context["readOnlyRootFilesystem"] is True, f"{label} can write its root")
        need(context["capabilities"]["drop"] == ["ALL"], f"{label} keeps capabilities that nobody named")
        need(context["seLinuxOptions"]["type"] == "spc_t", f"{label} cannot read the host under SELinux")
        need(context["seccompProfile"]["type"] == "RuntimeDefault", f"{label} has no seccomp profile")
        need("memory" in each["resources"]["limits"] and "cpu" not in each["resources"]["limits"], f"{label}: limits")
        need("requests" in each["resources"], f"{label} requests nothing")
        for mount in each["volumeMounts"]:
            host = volumes[mount["name"]].get("hostPath")
            if mount["mountPath"] == "/host":
                need(host["path"] == "/" and mount["mountPropagation"] == "HostToContainer", "/host: propagation")
            elif host:
                need(host["path"] == mount["mountPath"], f"{label}: {mount['mountPath']} is another place on the host")
            if host and not mount.get("readOnly") and each["name"] == "nodeguard":
                need(host["path"] in writable | {"/sys/fs/selinux"}, f"{label} can write {host['path']}")
    (main,) = [each for each in pod["containers"] if each["name"] == "nodeguard"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        command = main[probe]["exec"]["command"]
        need(command == ["nodeguard", "status", "--alive"], f"{probe} asks for more than whether the agent is there")
    need("NET_ADMIN" in main["securityContext"]["capabilities"]["add"], "cannot hold the gate")
    journal = [each for each in main["volumeMounts"] if each["mountPath"].startswith("/run/systemd/journal")]
    need([each["mountPath"] for each in journal] == ["/run/systemd/journal"], "the journal's folder is to be mounted, not its socket")
    used = {each["name"] for c in containers(pod) for each in c["volumeMounts"]}
    need(used == set(volumes), f"volumes that are not used, or mounts without one: {used ^ set(volumes)}")


def restricted():
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, as far as these manifests have anything of it."""
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    for each in documents:
        pod = each.get("spec", {}).get("template", {}).get("spec")
        if not pod:
            continue
        for key in ("hostNetwork", "hostPID", "hostIPC"):
            need(not pod.get(key), key)
        for volume in pod.get("volumes", []):
            need(set(volume) - {"name"} <= allowed, f"volume {volume['name']}")
        for container in containers(pod):
            context = {**pod.get("securityContext", {}), **container.get("securityContext", {})}
            label = f"container {container['name']}"
            need(context.get("runAsNonRoot") is True and context.get("runAsUser") != 0, f"{label}: root")
            need(context.get("allowPrivilegeEscalation") is False, f"{label}: allowPrivilegeEscalation")
            need(context.get("seccompProfile", {}).get("type") == "RuntimeDefault", f"{label}: seccomp")
            need(context.get("capabilities", {}).get("drop") == ["ALL"], f"{label}: capabilities")
            need(set(context["capabilities"].get("add", [])) <= {"NET_BIND_SERVICE"}, f"{label}: added capabilities")
            need(not context.get("privileged"), f"{label}: privileged")
        need("hostPort" not in str(pod), "hostPort")
        need("wait-open" in str(pod.get("initContainers")), "nothing holds the client back")


{"agent": agent, "restricted": restricted}[kind]()
for problem in problems:
    print(f"FAILED  {name}: {problem}", file=sys.stderr)
sys.exit(bool(problems))
