package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/daemon/daemontest"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/tasks"
)

const token = "a-token-0123456789abcdef"

func newDeployment(t *testing.T) *daemontest.Deployment {
	t.Helper()
	return daemontest.New(t, daemontest.Config{Tokens: []config.Token{
		daemontest.Token(token, []string{"ops"}, config.ScopeSend, config.ScopeRead),
	}})
}

// call makes a request of the API, and gives the status of the answer.
func call(t *testing.T, method, url, body string) int {
	t.Helper()
	return exchange(t, request(t, method, url, token, body)).status
}

// awaitLog waits until a text is in the log this many times.
func awaitLog(t *testing.T, d *daemontest.Deployment, text string, times int) {
	t.Helper()
	waittest.Until(t, fmt.Sprintf("the log says %q %d times", text, times), func() bool {
		return strings.Count(d.Log.String(), text) >= times
	})
}

func TestAMessageGoesInAtTheGatewayAndOutAtTheWorker(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	url, stop := d.Start(daemon.Config{Gateway: true, Worker: true})
	if status := call(t, http.MethodPost, url+"/v1/messages", `{"touser":"lisi","msgtype":"text","text":{"content":"hello"}}`); status != http.StatusAccepted {
		t.Fatalf("HTTP %d", status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	arrived, err := d.WeCom.WaitMessages(ctx, 1)
	if err != nil || arrived[0].Text != "hello" {
		t.Errorf("%+v, %v", arrived, err)
	}
	stop()
	for _, line := range []string{`"gateway is up"`, `"lane is up"`, `"lane is down"`} {
		if strings.Count(d.Log.String(), line) != 1 {
			t.Errorf("not once in the log: %s\n%s", line, d.Log)
		}
	}
}

func TestAWorkerServesHealthWhereItIsTold(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	if url, _ := d.Start(daemon.Config{Worker: true}); url != "" {
		t.Errorf("a worker that is not told where listens at %s", url)
	}
	url, _ := d.Start(daemon.Config{Worker: true, Listen: "127.0.0.1:0"})
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/v1/messages": 404} {
		if got := call(t, http.MethodGet, url+path, ""); got != want {
			t.Errorf("GET %s: HTTP %d, want %d", path, got, want)
		}
	}
}

func TestAHangupBringsTheNextConfig(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	hangup, loaded := make(chan os.Signal), make(chan *config.Config, 1)
	url, _ := d.Start(daemon.Config{Gateway: true, Worker: true, Hangup: hangup, Load: func() (*config.Config, error) {
		if cfg := <-loaded; cfg != nil {
			return cfg, nil
		}
		return nil, errors.New("line 7 is wrong")
	}})
	awaitLog(t, d, `"lane is up"`, 1)
	reload := func(cfg *config.Config) {
		loaded <- cfg
		hangup <- syscall.SIGHUP
	}
	reload(nil)
	awaitLog(t, d, "the config is invalid, nothing changed", 1)

	next := *d.Config
	next.Apps = maps.Clone(d.Config.Apps)
	hr := *d.App("ops")
	hr.Name = "hr"
	next.Apps["hr"] = &hr
	next.Gateway.Tokens = []config.Token{daemontest.Token(token, []string{"hr"}, config.ScopeSend)}
	reload(&next)
	awaitLog(t, d, `"config reloaded"`, 1)
	awaitLog(t, d, `"lane is up"`, 2) // that of hr; that of ops stays
	body := `{"app":"hr","touser":"lisi","msgtype":"text","text":{"content":"hello"}}`
	if status := call(t, http.MethodPost, url+"/v1/messages", body); status != http.StatusAccepted {
		t.Errorf("HTTP %d for the new app", status)
	}
	d.Send("ops", daemontest.Text("lisi", "hello"), producer.Options{Priority: tasks.Critical})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if arrived, err := d.WeCom.WaitMessages(ctx, 2); err != nil {
		t.Errorf("%d messages arrived: %v", len(arrived), err)
	}
	if strings.Contains(d.Log.String(), "lane is down") {
		t.Errorf("a lane went down: %s", d.Log)
	}
}

func TestWhatIsWrongWithTheConfigIsAnErrorOfIt(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for name, cfg := range map[string]daemon.Config{
		"an app that is not there":   {Worker: true, Apps: []string{"hr"}},
		"an address that is in use":  {Gateway: true, Listen: taken.Addr().String()},
		"a worker's, which is, too":  {Worker: true, Listen: taken.Addr().String()},
		"an address that is no such": {Gateway: true, Listen: "nowhere"},
	} {
		_, err := daemon.New(t.Context(), d.Deployment, cfg)
		if wrong := new(config.Error); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := *d.Config
	bad.Redis.URL = "nonsense"
	_, err = daemon.Open(t.Context(), &bad, daemon.Options{})
	if wrong := new(config.Error); !errors.As(err, &wrong) {
		t.Errorf("a URL that is none: %v", err)
	}
}
