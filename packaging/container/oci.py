#!/usr/bin/env python3
"""Writes an image of one layer as an OCI archive (image-spec 1.0), with nothing but Python.

oci.py ROOT.tar NAME VERSION ARCHITECTURE ARCHIVE
"""
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
import time

root, name, version, architecture, archive = sys.argv[1:6]
epoch = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def digest(path):
    with open(path, "rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def add(tar, path, size, content):
    entry = tarfile.TarInfo(path)
    entry.size, entry.mtime = size, epoch
    tar.addfile(entry, content)


def blob(tar, value):
    data = json.dumps(value, sort_keys=True).encode()
    found = "sha256:" + hashlib.sha256(data).hexdigest()
    add(tar, "blobs/" + found.replace(":", "/"), len(data), io.BytesIO(data))
    return {"digest": found, "size": len(data)}


with tempfile.NamedTemporaryFile(dir=os.path.dirname(archive) or ".") as layer:
    # Without a time and a name in its head: the same bytes each time.
    with open(root, "rb") as source, gzip.GzipFile("", "wb", 6, layer, mtime=0) as packed:
        shutil.copyfileobj(source, packed, 1 << 20)
    layer.flush()
    size = os.path.getsize(layer.name)
    with tarfile.open(archive + ".new", "w") as tar:
        layout = b'{"imageLayoutVersion":"1.0.0"}'
        add(tar, "oci-layout", len(layout), io.BytesIO(layout))
        found = digest(layer.name)
        with open(layer.name, "rb") as file:
            add(tar, "blobs/" + found.replace(":", "/"), size, file)
        config = blob(tar, {
            "created": created, "architecture": architecture, "os": "linux",
            "config": {
                # Whoever needs root says so, as the DaemonSet does; wait-open needs none.
                "User": "65534:65534", "Entrypoint": ["nodeguard"], "Cmd": ["--help"],
                "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"],
                "Labels": {"org.opencontainers.image.title": "nodeguard", "org.opencontainers.image.version": version,
                           "org.opencontainers.image.licenses": "GPL-2.0-or-later"}},
            "rootfs": {"type": "layers", "diff_ids": [digest(root)]},
            "history": [{"created": created, "created_by": "packaging/container/build"}]})
        manifest = blob(tar, {
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": found, "size": size}]})
        index = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{
                "mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest,
                "platform": {"architecture": architecture, "os": "linux"},
                # containerd's import reads the first, podman's the second.
                "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}}]}).encode()
        add(tar, "index.json", len(index), io.BytesIO(index))
os.replace(archive + ".new", archive)
print(f"{archive}: {name}, {os.path.getsize(archive) / 1e6:.0f} MB, unpacked {os.path.getsize(root) / 1e6:.0f} MB")
