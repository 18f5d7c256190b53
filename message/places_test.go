package message_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

// Each place that has to know a message type says so here when it does not: the list is
// the one of CONTRIBUTING.md.
func TestEveryPlaceKnowsEveryMessageType(t *testing.T) {
	t.Parallel()
	samples := requests(t, "testdata/messages.ndjson")
	scenes := requests(t, "../cmd/wecomq/scenes.ndjson")
	page := readFile(t, "../wecom/wecomtest/page.html")
	client := messageClient(t)
	for _, msgType := range message.Types() {
		t.Run(string(msgType), func(t *testing.T) {
			t.Parallel()
			ofType := func(r message.Request) bool { return r.Type() == msgType }
			if !slices.ContainsFunc(scenes, ofType) {
				t.Error("cmd/wecomq/scenes.ndjson: no scene of the demo shows it")
			}
			if golden, _ := filepath.Glob("testdata/" + string(msgType) + "*.golden.json"); len(golden) == 0 {
				t.Error("message/testdata: no golden file has its form")
			}
			if !strings.Contains(page, string(msgType)) {
				t.Error("wecom/wecomtest/page.html: the simulator's page does not show it")
			}
			i := slices.IndexFunc(samples, ofType)
			if i < 0 {
				t.Fatal("message/testdata/messages.ndjson: no sample")
			}
			if _, err := client.Send(message.APISend, samples[i]); err != nil {
				t.Errorf("wecom/wecomtest/content.go: the simulator does not take the sample: %v", err)
			}
			name := strings.TrimSuffix(reflect.TypeOf(samples[i]).Name(), "Request")
			for _, method := range []string{name, name + "Context"} {
				if _, ok := reflect.TypeOf(client).MethodByName(method); !ok {
					t.Errorf("message/client.go: there is no (*Client).%s", method)
				}
			}
		})
	}
}

// requests reads one message per line.
func requests(t *testing.T, file string) []message.Request {
	t.Helper()
	var all []message.Request
	for line := range strings.Lines(readFile(t, file)) {
		request, err := message.Parse([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, request)
	}
	return all
}

// messageClient sends to a simulator of its own.
func messageClient(t *testing.T) *message.Client {
	t.Helper()
	sim, err := wecomtest.New(wecomtest.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.Handler(sim))
	t.Cleanup(server.Close)
	api, err := wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: wecomtest.Secret, BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return message.NewClient(api, strconv.Itoa(wecomtest.AgentID))
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
