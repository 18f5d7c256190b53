package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

const (
	gatewayToken = "a-token-of-the-gateway"
	spareToken   = "another-token-of-the-gateway"
)

// gatewayConfig writes the landscape's config with these tokens, and returns its path.
func (l *landscape) gatewayConfig(path, extra string, tokens ...string) string {
	l.Helper()
	if path == "" {
		path = filepath.Join(l.TempDir(), "wecomq.yaml")
	}
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "redis: {url: '%s'}\napps:\n  ops:\n    corp_id: %s\n    agent_id: %d\n    secret: %s\n    api_base_url: %s\n%s",
		l.redis.URL, wecomtest.CorpID, wecomtest.AgentID, wecomtest.Secret, l.url, extra)
	_, _ = fmt.Fprint(&text, "gateway:\n  listen: 127.0.0.1:0\n  tokens:\n")
	for i, token := range tokens {
		sum := sha256.Sum256([]byte(token))
		_, _ = fmt.Fprintf(&text, "    - {name: t%d, sha256: %s, apps: [ops], scopes: [send, read, admin]}\n", i, hex.EncodeToString(sum[:]))
	}
	l.write(path, text.String())
	return path
}

func (l *landscape) write(path, text string) {
	l.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		l.Fatal(err)
	}
}

var addrPattern = regexp.MustCompile(`"addr":"([^"]+)"`)

// gatewayURL waits until a gateway listens.
func gatewayURL(p *process) string {
	p.Helper()
	return "http://" + addrPattern.FindStringSubmatch(p.awaitLine("gateway is up"))[1]
}

// post sends a text with a token.
func post(t *testing.T, url, token, key string) (int, gateway.Receipt) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/messages",
		strings.NewReader(`{"touser":"zhangsan","msgtype":"text","text":{"content":"hello"}}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Idempotency-Key", key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var receipt gateway.Receipt
	if response.StatusCode == http.StatusAccepted {
		decode(t, body, &receipt)
	}
	return response.StatusCode, receipt
}

func TestGatewayWorkerAndWeComTogether(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	config := l.gatewayConfig("", "", gatewayToken)
	front := start(t, l.environ(), "gateway", "-c", config)
	worker := start(t, l.environ(), "worker", "-c", config)
	worker.awaitLine(`"lane is up"`)
	url := gatewayURL(front)

	code, first := post(t, url, gatewayToken, "k")
	_, again := post(t, url, gatewayToken, "k")
	if code != http.StatusAccepted || again.ID != first.ID || !again.Duplicate {
		t.Errorf("HTTP %d: %+v, then %+v", code, first, again)
	}
	l.awaitRecord(config, first.ID, tasks.Accepted)

	// Our own WeCom client works with the gateway, with only URL and secret changed.
	client, err := wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: gatewayToken, BaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	sdk := message.NewClient(client, "1000002")
	sent, err := sdk.SendText(message.SendTextRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "lisi"}, Text: message.TextField{Content: "by SDK"},
	})
	if err != nil {
		t.Fatal(err)
	}
	record := l.awaitRecord(config, sent.MsgID, tasks.Accepted)
	if _, err := sdk.Recall(message.RecallRequest{MsgID: sent.MsgID}); err != nil {
		t.Error(err)
	}
	if m := byMsgID(l.messages())[record.MsgID]; !m.Recalled || m.Text != "by SDK" {
		t.Errorf("%+v", m)
	}
	for _, p := range []*process{front, worker} {
		p.signal(syscall.SIGTERM)
		if code := p.exitCode(); code != exitDone {
			t.Errorf("exit code %d", code)
		}
	}
	for _, secret := range []string{gatewayToken, wecomtest.Secret, "by SDK"} {
		if strings.Contains(front.stderr.String()+worker.stderr.String(), secret) {
			t.Errorf("%q is in a log", secret)
		}
	}
}

// call makes a request with a token and returns the response.
func call(t *testing.T, method, url, token string) (int, string) {
	t.Helper()
	return callWith(t, method, url, token, "")
}

// callWith has a body as well.
func callWith(t *testing.T, method, url, token, content string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestTheGatewayOperatesOnMessages(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	config := l.gatewayConfig("", "", gatewayToken)
	front := start(t, l.environ(), "gateway", "-c", config)
	url := gatewayURL(front)
	expect := func(what, method, path string, status int, says string) {
		t.Helper()
		if code, body := call(t, method, url+path, gatewayToken); code != status || !strings.Contains(body, says) {
			t.Errorf("%s: HTTP %d %s, want %d and %s", what, code, body, status, says)
		}
	}
	_, waiting := post(t, url, gatewayToken, "waits")
	expect("the apps", "GET", "/v1/apps", 200, `"backlog":{"critical":0,"default":1,"bulk":0}`)
	expect("cancel", "DELETE", "/v1/messages/"+waiting.ID, 200, `"state":"cancelled"`)
	expect("cancel again", "DELETE", "/v1/messages/"+waiting.ID, 200, `"state":"cancelled"`)
	expect("replay of a message that is not a dead letter", "POST", "/v1/messages/"+waiting.ID+"/replay", 409, "is cancelled")

	worker := start(t, l.environ(), "worker", "-c", config)
	worker.awaitLine(`"lane is up"`)
	_, sent := post(t, url, gatewayToken, "sent")
	l.awaitRecord(config, sent.ID, tasks.Accepted)
	expect("cancel of what was sent", "DELETE", "/v1/messages/"+sent.ID, 409, "it has been sent; recall it")
	expect("recall", "POST", "/v1/messages/"+sent.ID+"/recall", 200, `"recalled_at"`)
	if m := l.messages()[0]; !m.Recalled || len(l.messages()) != 1 {
		t.Errorf("%+v", l.messages())
	}

	ask[any](l, http.MethodPost, "/admin/faults", `{"api":"message/send","errcode":45002,"times":1}`)
	_, dead := post(t, url, gatewayToken, "dead")
	l.awaitRecord(config, dead.ID, tasks.Rejected)
	expect("replay", "POST", "/v1/messages/"+dead.ID+"/replay", 202, `"duplicate":false`)
	waittest.Until(t, "the replay arrives", func() bool { return len(l.messages()) == 2 })
	expect("replay again", "POST", "/v1/messages/"+dead.ID+"/replay", 202, `"duplicate":true`)
	expect("recall of a dead letter", "POST", "/v1/messages/"+dead.ID+"/recall", 409, "another message was sent in its place")
	expect("nothing", "POST", "/v1/messages/ops-01JD5K3V8N0000000000000000/recall", 404, "no such message")
}

// awaitRecord waits until a message is in a state.
func (l *landscape) awaitRecord(config, id string, state tasks.State) tasks.Record {
	l.Helper()
	return l.awaitState([]string{id}, state, "-c", config)[0]
}

func TestHangupReloadsTheGateway(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	config := l.gatewayConfig("", "", gatewayToken)
	front := start(t, l.environ(), "gateway", "-c", config)
	url := gatewayURL(front)
	status := func(token string) int {
		code, _ := post(t, url, token, token)
		return code
	}

	l.gatewayConfig(config, "", spareToken)
	front.signal(syscall.SIGHUP)
	front.awaitLine(`"config reloaded"`)
	if before, after := status(gatewayToken), status(spareToken); before != 401 || after != 202 {
		t.Errorf("the token that is gone %d, the new one %d", before, after)
	}

	l.write(config, "apps: {}\n")
	front.signal(syscall.SIGHUP)
	if line := front.awaitLine("nothing changed"); !strings.Contains(line, "wecomq.yaml:1: apps") {
		t.Errorf("%s", line)
	}
	if code := status(spareToken); code != 202 {
		t.Errorf("HTTP %d after an invalid file", code)
	}
	front.signal(syscall.SIGTERM)
	if code := front.exitCode(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

func TestHangupRestartsTheLanesOfAWorkerWhoseAppsChanged(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	config := l.gatewayConfig("", "", gatewayToken)
	worker := start(t, l.environ(), "worker", "-c", config)
	worker.awaitLine(`"concurrency":16`)

	l.gatewayConfig(config, "", spareToken)
	worker.signal(syscall.SIGHUP)
	worker.awaitLine(`"config reloaded"`)
	if lines := worker.lines("lane is down"); len(lines) > 0 {
		t.Errorf("another token has stopped a lane: %s", lines)
	}

	l.gatewayConfig(config, "    concurrency: 3\n", spareToken)
	worker.signal(syscall.SIGHUP)
	worker.awaitLine(`"lane is down"`)
	worker.awaitLine(`"concurrency":3`)
	l.write(config, "apps: {ops: {corp_id: x}}\n")
	worker.signal(syscall.SIGHUP)
	worker.awaitLine("nothing changed")
	l.gatewayConfig(config, "    concurrency: 3\n", spareToken)
	id := l.ids(l.run("", "-c", config, "send", "--to-user", "zhangsan", "--text", "after the reload"))[0]
	l.awaitRecord(config, id, tasks.Accepted)
	if n := len(worker.lines(`"lane is up"`)); n != 2 {
		t.Errorf("the lane went up %d times, want 2", n)
	}
}

func TestHangupEndsWhatHasNothingToReload(t *testing.T) {
	t.Parallel()
	sim := start(t, nil, "simulate", "--listen", "127.0.0.1:0")
	sim.awaitLine("What arrived")
	sim.signal(syscall.SIGHUP)
	if code := sim.exitCode(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// develop starts `wecomq serve --dev` and returns the values that it prints: the gateway's URL, a token, and the
// simulator's URL.
func develop(t *testing.T) (p *process, url, token, simulator string) {
	t.Helper()
	p = start(t, nil, "serve", "--dev", "--listen", "127.0.0.1:0")
	word := func(name string) string {
		_, rest, _ := strings.Cut(p.awaitLine(name), name)
		return strings.Fields(rest)[0]
	}
	return p, word("gateway: "), word("token: "), word("simulator: ")
}

func TestServeDevNeedsNothing(t *testing.T) {
	t.Parallel()
	p, url, token, simulator := develop(t)
	p.awaitLine(`"message":"lane is up"`) // JSON, as stderr is not a terminal
	code, receipt := post(t, url, token, "k")
	if code != http.StatusAccepted || receipt.State != tasks.Queued {
		t.Errorf("HTTP %d %+v", code, receipt)
	}
	waittest.Until(t, "it arrives", func() bool {
		return strings.Contains(string(fetch(t, http.MethodGet, simulator+"/admin/messages", "")), `"hello"`)
	})
	waittest.Until(t, "it is counted", func() bool {
		return strings.Contains(string(fetch(t, http.MethodGet, url+"/metrics", "")), `wecomq_messages_total{app="default",priority="default",state="accepted",type="text"} 1`)
	})
	fetch(t, http.MethodGet, url+"/readyz", "")
	p.signal(syscall.SIGHUP)
	p.awaitLine("config reloaded")
	p.signal(syscall.SIGINT)
	if code := p.exitCode(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

func TestTheExamplesOfTheAPIDocumentRun(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, url, token, simulator := develop(t)
	script := []string{"set -eu"}
	for _, block := range shellBlock.FindAllStringSubmatch(string(document), -1) {
		script = append(script, block[1], "echo")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Join(script, "\n"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "WECOMQ=" + url, "TOKEN=" + token, "CORP_ID=" + wecomtest.CorpID}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"duplicate":false`, `{"line":2,"status":422,"error":"text.content: missing or empty"`, `"type":"text"`, `"errcode":0`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
	waittest.Until(t, "6 messages arrive", func() bool {
		return strings.Count(string(fetch(t, http.MethodGet, simulator+"/admin/messages", "")), `"msgid"`) == 6
	})
}
