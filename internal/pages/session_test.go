package pages_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nobody := b.open("")
	if a := nobody.get("/messages?q=lisi"); a.status != http.StatusSeeOther || a.location() != "/login?next=%2Fmessages%3Fq%3Dlisi" {
		t.Errorf("without a session: HTTP %d to %q", a.status, a.location())
	}
	nobody.want(nobody.get("/login?next=%2Fdead"), http.StatusOK, `name="next" value="/dead"`, "not <nav>")
	nobody.want(nobody.post("/login", "token", "wrong-secret"), http.StatusUnauthorized, "Invalid token", "not wrong-secret")
	nobody.want(nobody.post("/login", "token", sender), http.StatusForbidden, "This token may not read")
	if a := nobody.get("/"); a.status != http.StatusSeeOther {
		t.Errorf("a refused login opens a session: HTTP %d", a.status)
	}

	a := nobody.post("/login", "token", " "+reader+"\n", "next", "/messages?q=lisi")
	if a.status != http.StatusSeeOther || a.location() != "/messages?q=lisi" {
		t.Errorf("after the login: HTTP %d to %q", a.status, a.location())
	}
	cookie := a.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie lacks %s: %s", want, cookie)
		}
	}
	if strings.Contains(cookie, reader) {
		t.Error("the cookie is the token")
	}
	nobody.want(nobody.get("/"), http.StatusOK, "reader-token")
	nobody.want(nobody.post("/logout"), http.StatusSeeOther)
	if a := nobody.get("/"); a.status != http.StatusSeeOther {
		t.Errorf("after the logout: HTTP %d", a.status)
	}
}

func TestLoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, next := range []string{"https://evil.example.com", "//evil.example.com", `/\evil.example.com`, "/\t/evil.example.com", "javascript:alert(1)", ""} {
		if a := b.open("").post("/login", "token", reader, "next", next); a.location() != "/" {
			t.Errorf("next %q leads to %q", next, a.location())
		}
	}
}

func TestWritesFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.send("ops", "lisi", "x")
	w := b.open(admin)
	for _, path := range []string{"/messages/" + id + "/cancel", "/apps/ops/pause", "/login", "/logout"} {
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example.com"}} {
			if a := w.do(http.MethodPost, path, nil, headers); a.status != http.StatusForbidden {
				t.Errorf("POST %s with %s: HTTP %d", path, headers, a.status)
			}
		}
	}
	w.want(w.get("/"), http.StatusOK, "running", "not >paused<")
}
