# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The programs that bench/start starts; sourced on the host, to make their directories,
# and in the VM, to run them from /mnt.

# make_APP DIRECTORY: what its image is made of

make_jre() {
	cp -a "$(scripts/fetch-jre)" "$1"
}

make_python3() {
	mkdir -p "$1/bin" "$1/lib"
	cp -a "$(readlink -f /usr/bin/python3)" "$1/bin/python3"
	cp -a /usr/lib/python3.11 "$1/lib/"
	find "$1" -name __pycache__ -prune -exec rm -rf {} +
	"$1/bin/python3" -m compileall -q --invalidation-mode unchecked-hash "$1/lib/python3.11" >/dev/null ||
		true	# its tests hold files that do not compile
}

# A work tree of 9,760 files, and git.
make_git() {
	local git=(git -c gc.auto=0 -c user.name=bench -c user.email=bench@localhost -C "$1/tree")
	mkdir -p "$1/bin" "$1/tree"
	cp -a /usr/bin/git "$1/bin/"
	tar -xJf /usr/src/linux-source-6.1.tar.xz -C "$1/tree" --strip-components=1 --wildcards \
		'linux-source-6.1/drivers/*' || return
	(cd "$1/tree" && find . ! -type d | LC_ALL=C sort | tail -n +9761 | tr '\n' '\0' | xargs -0 rm -f &&
		find . -type d -empty -delete) || return
	git -C "$1/tree" init -q || return
	# The image has the files' times, but not their inodes.
	"${git[@]}" config core.checkStat minimal && "${git[@]}" config core.trustctime false || return
	"${git[@]}" add -A && GIT_AUTHOR_DATE=@1700000000 GIT_COMMITTER_DATE=@1700000000 \
		"${git[@]}" commit -q -m bench && "${git[@]}" gc -q && "${git[@]}" status --short
}

run_jre() { /mnt/bin/java -version; }

run_python3() {
	PYTHONHOME=/mnt PYTHONDONTWRITEBYTECODE=1 /mnt/bin/python3 -c '
import argparse, ast, asyncio, base64, bisect, calendar, collections, configparser, contextlib
import copy, csv, ctypes, datetime, decimal, difflib, email, enum, fnmatch, functools, glob, gzip, hashlib
import heapq, html, http.client, inspect, io, json, logging, math, pathlib, pickle, random, re, shutil
import socket, statistics, struct, subprocess, tempfile, textwrap, threading, unittest, urllib.request, zipfile
print("modules are there:", json.dumps({"pi": str(decimal.Decimal(355) / 113)[:8]}))'
}

run_git() {
	GIT_OPTIONAL_LOCKS=0 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' \
		/mnt/bin/git -C /mnt/tree status
}

# Other programs of the same images.

other_jre() { /mnt/bin/keytool -list -keystore /mnt/lib/security/cacerts -storepass changeit; }

other_python3() {
	PYTHONHOME=/mnt PYTHONDONTWRITEBYTECODE=1 /mnt/bin/python3 -c '
import cProfile, ensurepip, imaplib, mailbox, multiprocessing.pool, optparse, pdb, pydoc, sqlite3, ssl
import tarfile, timeit, turtle, venv, wsgiref.simple_server, xml.dom.minidom, xmlrpc.server
print("modules are there")'
}

other_git() {
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' \
		/mnt/bin/git --no-pager -C /mnt/tree log --stat
}

# check_output APP: it has done its work
check_output() {
	case $1 in
	jre) grep -q 'OpenJDK 64-Bit Server VM' /out/output ;;
	python3) grep -q '"pi": "3.141592"' /out/output ;;
	git) grep -q 'working tree clean' /out/output ;;
	esac
}
