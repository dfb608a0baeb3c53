#!/bin/sh
# deps.sh run|test|bench - install the Debian or Ubuntu packages that are
# missing. Does nothing, and asks nobody, when all are there. A service that
# comes with a package (redis-server, nginx) is not started by us.
set -eu
cd "$(dirname "$0")/.."

build="gcc make pkg-config libc6-dev libevent-dev libhiredis-dev
libcurl4-openssl-dev libconfuse-dev libjansson-dev libssl-dev
libsystemd-dev uthash-dev"
run="redis-server python3 python3-redis python3-aiohttp tzdata"
test="libcmocka-dev python3-pytest python3-pytest-xdist pmccabe
clang-format-14 slowhttptest systemd debhelper lintian git openssl
libnss-wrapper libidn12
libgnutls-dane0 libdb5.3 libnsl2 libpcre2-8-0 python3-pyte zsh bash-completion
groff man-db"
bench="nginx-light"

case "${1:-}" in
run) want="$build $run" ;;
test) want="$build $run $test" ;;
bench) want="$build $run $bench" ;;
*)
	echo "usage: $0 run|test|bench" >&2
	exit 2
	;;
esac

# The browser of the dashboard's test, and letters for its Chinese. Ubuntu has
# it as a snap only, which needs what a container has not: there the test says
# that it is skipped.
if [ "$1" = test ] && ! grep -qs '^ID=ubuntu' /etc/os-release; then
	want="$want chromium fonts-noto-cjk"
fi

# A Node that is already there will do, wherever it came from.
if [ "$1" = test ]; then
	major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
	if [ "${major:-0}" -lt 18 ] || ! command -v npm >/dev/null; then
		want="$want nodejs npm"
	fi
fi

missing=
for p in $want; do
	s=$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null) || s=
	[ "$s" = installed ] || missing="$missing $p"
done

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

if [ -n "$missing" ]; then
	echo "installing:$missing"
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	# the policy file keeps invoke-rc.d from starting services meanwhile
	as_root sh -c '
		set -e
		export DEBIAN_FRONTEND=noninteractive
		if [ ! -e /usr/sbin/policy-rc.d ]; then
			trap "rm -f /usr/sbin/policy-rc.d" EXIT INT TERM
			printf "#!/bin/sh\nexit 101\n" >/usr/sbin/policy-rc.d
			chmod +x /usr/sbin/policy-rc.d
		fi
		apt-get -qq update || true
		apt-get -qq -y --no-install-recommends install "$@"
	' sh $missing </dev/null >"$log" 2>&1 || {
		cat "$log" >&2
		echo "deps: apt-get could not install:$missing" >&2
		exit 1
	}
fi

# Judges that the tests do not write themselves: the reference library of
# Standard Webhooks, Twilio's count of segments, the signers of Aliyun, Tencent
# Cloud and AWS, who signs callbacks, who sends CloudEvents, who reads OpenAPI,
# who drives the browser and who judges what it shows. npm leaves them in
# tests/system/node_modules.
if [ "$1" = test ] && [ -f tests/system/package.json ]; then
	for p in standardwebhooks sms-segments-calculator \
	    @alicloud/openapi-util @aws-crypto/sha256-js \
	    @smithy/signature-v4 tencentcloud-sdk-nodejs-common \
	    twilio @vonage/sms jsonwebtoken cloudevents ajv ajv-formats \
	    @seriousme/openapi-schema-validator puppeteer-core axe-core; do
		[ -d "tests/system/node_modules/$p" ] && continue
		echo "installing: npm $p"
		(cd tests/system && npm ci --silent --no-audit --no-fund \
		    </dev/null)
	done
fi

# A mail server of the distribution as the receiver of our mail. It is unpacked,
# not installed: two of them cannot be installed at once, and the one that a
# machine has is not ours to replace.
if [ "$1" = test ] && [ ! -x build/exim/usr/sbin/exim4 ]; then
	echo "unpacking: exim4-daemon-light"
	rm -rf build/exim
	mkdir -p build/exim
	(
		cd build/exim
		apt-get -qq download exim4-daemon-light 2>/dev/null
		dpkg-deb -x exim4-daemon-light_*.deb .
		rm exim4-daemon-light_*.deb
	)
fi

# What scrapes our metrics and what tells of alerts: unpacked, for their
# packages start a service each.
if [ "$1" = test ] && [ ! -x build/prometheus/usr/bin/prometheus-alertmanager ]
then
	echo "unpacking: prometheus prometheus-alertmanager"
	rm -rf build/prometheus
	mkdir -p build/prometheus
	(
		cd build/prometheus
		apt-get -qq download prometheus prometheus-alertmanager \
		    2>/dev/null
		for p in *.deb; do
			dpkg-deb -x "$p" .
			rm "$p"
		done
		# where it looks for its templates: here, not in /usr
		sed -i "s,/usr/share/prometheus/alertmanager,/proc/self/cwd////////////////////,g" \
		    usr/bin/prometheus-alertmanager
	)
fi
