package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/message"
)

// hold begins a request with the largest body, of which the last byte comes when
// finish is called; that returns the status.
func (b *bundle) hold(path string) (finish func() int) {
	b.Helper()
	body, in := io.Pipe()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, b.url+path, body)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+senderToken)
	status := make(chan int, 1)
	go func() {
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			status <- 0
			return
		}
		_ = response.Body.Close()
		status <- response.StatusCode
	}()
	if _, err := io.WriteString(in, strings.Repeat(" ", message.MaxBodyBytes-1)); err != nil {
		b.Fatal(err)
	}
	return func() int {
		_, _ = io.WriteString(in, " ")
		_ = in.Close()
		return <-status
	}
}

func TestBodiesTogetherTakeSoMuchMemoryAndNoMore(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	var finish []func() int
	for range 8 {
		finish = append(finish, b.hold("/v1/messages"))
	}
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	a := b.do("POST", "/v1/messages", textBody, as(senderToken))
	for deadline := time.After(20 * time.Second); a.status == http.StatusAccepted; a = b.do("POST", "/v1/messages", textBody, as(senderToken)) {
		select {
		case <-poll.C: // the last bytes are on their way
		case <-deadline:
			t.Fatal("8 bodies of 8 MiB, and a ninth is taken")
		}
	}
	p := b.problem(a)
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(p.Detail, "as many bodies") {
		t.Errorf("HTTP %d %v: %s", a.status, a.header, a.body)
	}
	w := b.do("POST", "/cgi-bin/gettoken", "corpid=x&corpsecret=y")
	same(t, "WeCom's language", w.status, http.StatusServiceUnavailable)
	for _, finish := range finish {
		same(t, "a body of blanks", finish(), http.StatusBadRequest)
	}
	same(t, "afterwards", b.do("POST", "/v1/messages", textBody, as(senderToken)).status, http.StatusAccepted)
}

func TestAMessageHasOnlySoManyMembers(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	tests := map[string]struct {
		extra string
		want  int
	}{
		"as many as are allowed":           {strings.Repeat(`,"x":[{"a":1,"b":2}]`, 61), http.StatusUnprocessableEntity},
		"one too many":                     {strings.Repeat(`,"x":1`, 62), http.StatusBadRequest},
		"any number inside and in strings": {`,"x":{` + strings.Repeat(`"a":1,`, 100) + `"b":"` + strings.Repeat(`\":`, 100) + `"}`, http.StatusUnprocessableEntity},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := b.do("POST", "/v1/messages", `{"touser":"a","msgtype":"text","text":{"content":"x"}`+tt.extra+`}`, as(senderToken))
			if a.status != tt.want {
				t.Errorf("HTTP %d, want %d: %s", a.status, tt.want, a.body)
			}
		})
	}
}
