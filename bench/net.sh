# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced in the test VM: a network with a server behind a slow link, in namespaces.
#
#   client (here)            middle               server
#   10.77.1.1  to-mid ---- to-client  to-server ---- to-mid  10.77.2.2
#
# The server's side has the rate, with a queue of 250 kB, as a home's link has; the
# middle and the client delay packets by half of the round trip each, and the middle
# loses packets on their way to the client.

net_server=10.77.2.2

# The namespace whose interface to-mid has the rate.
net_slow() { if [ -e /run/netns/router ]; then echo router; else echo server; fi; }

# net_add_router: between the middle and the server, which are there
net_add_router() {
	ip netns add router && ip -n router link set lo up &&
		ip -n middle link set to-server netns router && ip -n router addr add 10.77.2.1/24 dev to-server &&
		ip -n router link set to-server up &&
		ip -n middle link add to-server type veth peer name to-mid netns router &&
		ip -n middle addr add 10.77.3.1/24 dev to-server && ip -n middle link set to-server up &&
		ip -n router addr add 10.77.3.2/24 dev to-mid && ip -n router link set to-mid up &&
		ip netns exec router sysctl -qw net.ipv4.ip_forward=1 &&
		ip -n middle route add 10.77.2.0/24 via 10.77.3.2 &&
		ip -n router route add default via 10.77.3.1
}

# net_create [router]
net_create() {
	local name
	for name in middle server; do
		ip netns add $name && ip -n $name link set lo up || return
	done
	ip link add to-mid type veth peer name to-client netns middle &&
		ip -n middle link add to-server type veth peer name to-mid netns server &&
		ip addr add 10.77.1.1/24 dev to-mid && ip link set to-mid up &&
		ip -n middle addr add 10.77.1.2/24 dev to-client && ip -n middle link set to-client up &&
		ip -n middle addr add 10.77.2.1/24 dev to-server && ip -n middle link set to-server up &&
		ip -n server addr add $net_server/24 dev to-mid && ip -n server link set to-mid up &&
		ip netns exec middle sysctl -qw net.ipv4.ip_forward=1 &&
		ip route add 10.77.2.0/24 via 10.77.1.2 &&
		ip -n server route add default via 10.77.2.1 || return
	# What one connection has learnt must not help the next run's.
	sysctl -qw net.ipv4.tcp_no_metrics_save=1 &&
		ip netns exec server sysctl -qw net.ipv4.tcp_no_metrics_save=1 || return
	# The delay and the loss are of packets: what is cut up later would count as one.
	ip link set dev to-mid gso_max_segs 1 &&
		ip -n server link set dev to-mid gso_max_segs 1 || return
	[ -z "${1-}" ] || "net_add_$1"
}

# net_set RATE RTT LOSS: RATE as tc has it, or "unlimited"; RTT in ms; LOSS in percent
net_set() {
	local slow
	slow=$(net_slow)
	tc -n "$slow" qdisc del dev to-mid root 2>/dev/null
	tc -n middle qdisc del dev to-client root 2>/dev/null
	tc qdisc del dev to-mid root 2>/dev/null
	[ "$1" = unlimited ] ||
		tc -n "$slow" qdisc add dev to-mid root tbf rate "$1" burst 6000 limit 250000 || return
	tc -n middle qdisc add dev to-client root netem delay "$(($2 * 500))us" loss "$3%" limit 20000 &&
		tc qdisc add dev to-mid root netem delay "$(($2 * 500))us" limit 20000
}

# Bytes that have arrived, without the headers of Ethernet, IP and TCP.
net_received() {
	local bytes packets
	bytes=$(</sys/class/net/to-mid/statistics/rx_bytes)
	packets=$(</sys/class/net/to-mid/statistics/rx_packets)
	echo $((bytes - 66 * packets))
}

# nginx_conf ADDRESS DIRECTORY SETTINGS: write /run/nginx/conf, for nginx with its own settings but
# for SETTINGS, which are lines of its http block
nginx_conf() {
	mkdir -p /run/nginx
	cat >/run/nginx/conf <<-END
		user root;
		worker_processes 1;
		pid /run/nginx/pid;
		error_log /run/nginx/error.log;
		events {}
		http {
			sendfile on;
			$3
			server { listen $1:80; root $2; }
		}
	END
}

# net_serve DIRECTORY [SERVERS]: by nginx, with a log of each reply; SERVERS are more of them
net_serve() {
	nginx_conf $net_server "$1" "
		log_format reply '\$msec \$request_time \$status \$body_bytes_sent \$http_range \$connection \$uri';
		access_log /run/nginx/access.log reply;
		tcp_nopush on;
		${2-}"
	ip netns exec server nginx -c /run/nginx/conf -p /run/nginx 2>/run/nginx/start.log
}
