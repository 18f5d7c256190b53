package pages_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// patient is a connection of a browser that, as browsers do, reads nothing before it has sent its whole form.
type patient struct {
	*bundle
	net.Conn
}

// draft starts sending the form of a new broadcast: a body of size bytes.
func (b *bundle) draft(size int, headers ...string) *patient {
	b.Helper()
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	p := &patient{b, conn}
	p.send("POST /broadcasts/new HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n" +
		"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: " + strconv.Itoa(size) + "\r\n" + strings.Join(headers, "") + "\r\n")
	return p
}

func (p *patient) send(text string) {
	p.Helper()
	if _, err := io.WriteString(p, text); err != nil {
		p.Fatalf("the browser shows no answer: %v", err)
	}
}

// list sends a list of one endless line, up to size bytes in all.
func (p *patient) list(size int) answer {
	p.Helper()
	const head, mebibyte = "--b\r\nContent-Disposition: form-data; name=\"pasted\"\r\n\r\n", 1 << 20
	p.send(head)
	piece := strings.Repeat("x", mebibyte)
	for left := size - len(head); left > 0; left -= mebibyte {
		p.send(piece[:min(left, mebibyte)])
	}
	response, err := http.ReadResponse(bufio.NewReader(p), nil)
	if err != nil {
		p.Fatalf("the browser shows no answer: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

const asOperator = "Authorization: Bearer " + operator + "\r\n"

func TestABrowserSeesWhyAFifthListIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(operator)
	b.until("four lists are being checked", func() bool {
		b.draft(1000, asOperator).send("--b\r\n") // and no more
		return w.submit(false, "u1\n").status == http.StatusConflict
	})
	const size = 16 << 20
	w.want(b.draft(size, asOperator).list(size), http.StatusConflict, "Too many lists are being checked")
}

func TestABrowserSeesWhyALargeListIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const size = 300 << 20
	b.open(operator).want(b.draft(size, asOperator).list(size), http.StatusUnprocessableEntity, "list: larger than 256 MB")
}

func TestABrowserWithoutASessionSeesTheLogin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	nobody := b.open("")
	const size = 16 << 20
	if a := b.draft(size).list(size); a.status != http.StatusSeeOther || a.location() != "/login?ended=1" {
		t.Errorf("HTTP %d to %q", a.status, a.location())
	}
	for _, path := range []string{"/broadcasts/ops-B1/approve", "/messages/x/replay", "/apps/ops/pause"} {
		if a := nobody.do(http.MethodPost, path, nil, []string{"Accept", "text/html"}); a.location() != "/login?ended=1" {
			t.Errorf("%s: HTTP %d to %q", path, a.status, a.location())
		}
		if a := nobody.do(http.MethodPost, path, nil, nil); a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s for a program: HTTP %d, %s", path, a.status, a.body)
		}
	}
	nobody.want(nobody.get("/login?ended=1"), http.StatusOK, "Your session has ended", "Back button")
	nobody.want(nobody.get("/login"), http.StatusOK, "not has ended")
}
