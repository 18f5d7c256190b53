package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/sandbox"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

func TestTheConfigNamesItsRedisAndItsWeCom(t *testing.T) {
	t.Parallel()
	s, err := sandbox.New(t.Context(), wecomtest.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	server := &http.Server{Handler: s.Sim}
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.Listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	app := s.App()
	client, err := wecom.NewClient(wecom.Config{CorpID: app.CorpID, Secret: app.Secret, BaseURL: app.APIBaseURL})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.CheckToken(t.Context()); err != nil {
		t.Errorf("the app gets no access token: %v", err)
	}
	options, err := redis.ParseURL(string(s.Config.Redis.URL))
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	if err := rdb.Ping(context.Background()).Err(); err != nil {
		t.Errorf("the Redis does not answer: %v", err)
	}
}

func TestAFileOfRules(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, fault string }{
		"YAML":                             {text: "latency: 1s\nfaults:\n  - {api: message/send, errcode: 45009, times: 1}\n"},
		"JSON, of an editor that marks it": {text: "\ufeff" + `{"latency": "1s"}`},
		"nothing":                          {text: " \n"},
		"a member that is none":            {"latancy: 1s", `unknown field "latancy"`},
		"no YAML":                          {"latency: [", "rules.yaml: ["},
		"a rule that is none":              {"latency: -1s", "latency is -1s: it cannot be negative"},
		"the second fault is none": {
			"faults:\n  - {api: message/send, errcode: 45009, times: 1}\n  - {api: send, errcode: 45009}", `faults[1]: fault: api is "send": use one of `,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "rules.yaml")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := sandbox.NewSimulator(file)
			if (err == nil) != (tc.fault == "") || err != nil && !strings.Contains(err.Error(), tc.fault) {
				t.Errorf("error %v, want %q in it", err, tc.fault)
			}
		})
	}
}
