/*
 * The page without its reload: parts that have changed come as events and are
 * put in place node by node, so that focus, scroll, an open list and a marked
 * text stay as they are. Nothing is asked for while nobody looks.
 */
(function () {
	"use strict";

	var say = document.getElementById("live");
	var FIRST = 1000, LAST = 30000; /* between two tries, ms */
	var SILENT = 25000;		/* without a word: gone, ms */
	var source = null, timer = 0, watch = 0, wait = FIRST, since = null;
	var held = Object.create(null); /* parts in which somebody marks text, by id */

	if (!say || !window.EventSource)
		return;

	function two(n) {
		return (n < 10 ? "0" : "") + n;
	}

	/* Told to a screen reader, too: only when it has changed. */
	function tell(state) {
		var text = say.getAttribute("data-" + state);

		if (state === "off") {
			since = since || new Date();
			text = text.replace("{}", two(since.getHours()) + ":" +
			    two(since.getMinutes()) + ":" +
			    two(since.getSeconds()));
		} else if (state === "on") {
			since = null;
		}
		if (say.textContent !== text)
			say.textContent = text;
		say.className = state;
	}

	/* ---- putting in place ---- */

	function key(node) {
		return node.nodeType === 1 ? node.getAttribute("data-key") : null;
	}

	function alike(a, b) {
		return a.nodeType === b.nodeType && a.nodeName === b.nodeName &&
		    key(a) === key(b);
	}

	function attributes(have, want) {
		var i, name;

		for (i = have.attributes.length - 1; i >= 0; i--) {
			name = have.attributes[i].name;
			if (name !== "open" && !want.hasAttribute(name))
				have.removeAttribute(name);
		}
		for (i = 0; i < want.attributes.length; i++) {
			name = want.attributes[i].name;
			if (have.getAttribute(name) !== want.attributes[i].value)
				have.setAttribute(name, want.attributes[i].value);
		}
	}

	function keys(parent) {
		var all = Object.create(null), n;

		for (n = parent.firstChild; n; n = n.nextSibling)
			if (key(n) !== null)
				all[key(n)] = n;
		return all;
	}

	/* Children of `have` become those of `want`. One that goes is taken out
	 * before others would have to move past it: a node that moves loses the
	 * focus. */
	function children(have, want) {
		var at = have.firstChild, kept = keys(want), there = keys(have);
		var w, next, found;

		for (w = want.firstChild; w; w = w.nextSibling) {
			while (at && key(at) !== null && !kept[key(at)]) {
				next = at.nextSibling;
				have.removeChild(at);
				at = next;
			}
			found = key(w) !== null ? there[key(w)] : at;
			if (found && found.parentNode === have && alike(found, w)) {
				if (found === at)
					at = at.nextSibling;
				else
					have.insertBefore(found, at);
				morph(found, w);
			} else {
				have.insertBefore(document.importNode(w, true), at);
			}
		}
		while (at) {
			next = at.nextSibling;
			have.removeChild(at);
			at = next;
		}
	}

	function morph(have, want) {
		if (have.nodeType !== 1) {
			if (have.nodeValue !== want.nodeValue)
				have.nodeValue = want.nodeValue;
			return;
		}
		attributes(have, want);
		children(have, want);
	}

	/* ---- parts ---- */

	function isMarked(part) {
		var s = document.getSelection();

		return s && !s.isCollapsed && s.rangeCount > 0 &&
		    s.getRangeAt(0).intersectsNode(part);
	}

	function place(id, html) {
		var part = document.getElementById(id);
		var focus = document.activeElement, want, heading;

		if (!part)
			return;
		if (isMarked(part)) {
			held[id] = html; /* when it is let go */
			return;
		}
		delete held[id];
		want = new DOMParser().parseFromString(
		    "<section>" + html + "</section>", "text/html");
		children(part, want.body.firstChild);
		if (!focus || focus === document.activeElement)
			return;
		/* what had the focus has moved, or is gone */
		heading = part.querySelector("h2");
		if (document.contains(focus))
			focus.focus({ preventScroll: true });
		else if (heading)
			heading.focus({ preventScroll: true });
	}

	document.addEventListener("selectionchange", function () {
		Object.keys(held).forEach(function (id) {
			place(id, held[id]);
		});
	});

	function onMessage(e) {
		var news = JSON.parse(e.data);
		var asof = document.getElementById("asof");

		wait = FIRST;
		tell("on");
		listen();
		if (asof)
			asof.textContent = news.at;
		document.title = new DOMParser().parseFromString(
		    "<title>" + news.title + "</title>", "text/html").title;
		Object.keys(news.parts).forEach(function (id) {
			place(id, news.parts[id]);
		});
	}

	/* ---- the connection ---- */

	function close() {
		clearTimeout(timer);
		clearTimeout(watch);
		if (source)
			source.close();
		source = null;
	}

	function again() {
		close();
		tell("off");
		/* not all at once, when the daemon comes back */
		timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
		wait = Math.min(wait * 2, LAST);
	}

	/* A line that has died without a word is not seen by the browser. */
	function listen() {
		clearTimeout(watch);
		watch = setTimeout(again, SILENT);
	}

	function open() {
		close();
		if (document.hidden)
			return;
		source = new EventSource(say.getAttribute("data-url"));
		source.onmessage = onMessage;
		source.onerror = again;
		listen();
	}

	document.addEventListener("visibilitychange", function () {
		wait = FIRST;
		if (document.hidden)
			close();
		else
			open();
	});
	/* a page that is kept for the way back has no connection */
	window.addEventListener("pagehide", close);
	window.addEventListener("pageshow", function (e) {
		if (e.persisted)
			open();
	});

	tell("wait");
	open();
}());
