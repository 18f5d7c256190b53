package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/waittest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
	"github.com/wecomq/wecomq/wecom/wecomtest"
)

const (
	rulesFile     = "../../deploy/prometheus/wecomq.rules.yml"
	ruleTestsFile = "../../deploy/prometheus/wecomq.rules.test.yml"
	dashboardFile = "../../deploy/grafana/wecomq.json"
)

// alert is one rule of wecomq.rules.yml.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(readFile(t, rulesFile), &file); err != nil {
		t.Fatal(err)
	}
	var all []alert
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no alerts", rulesFile)
	}
	return all
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// dashboardQueries are the expressions of all panels, with their variables replaced.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	var dashboard any
	if err := json.Unmarshal(readFile(t, dashboardFile), &dashboard); err != nil {
		t.Fatal(err)
	}
	var found []string
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case map[string]any:
			if expr, ok := value["expr"].(string); ok {
				found = append(found, expr)
			}
			for _, member := range value {
				walk(member)
			}
		case []any:
			for _, element := range value {
				walk(element)
			}
		}
	}
	walk(dashboard)
	if len(found) < 20 {
		t.Fatalf("%d queries found in %s, want those of all panels", len(found), dashboardFile)
	}
	return found
}

// promtool runs Prometheus's own checker.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	promtoolOn(t, "", args...)
}

// promtoolOn does the same with a text.
func promtoolOn(t *testing.T, text string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	switch {
	case err != nil && os.Getenv("CI") != "":
		t.Fatal("promtool is missing: install the package prometheus")
	case err != nil:
		t.Skip("promtool is missing: install the package prometheus to test the alert rules")
	}
	command := exec.CommandContext(t.Context(), path, args...)
	command.Stdin = strings.NewReader(text)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestAlertRules(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", rulesFile)
	promtool(t, "test", "rules", ruleTestsFile)
}

func TestEveryAlertIsTestedAndLabelled(t *testing.T) {
	t.Parallel()
	tests := string(readFile(t, ruleTestsFile))
	for _, a := range alerts(t) {
		fires := strings.Contains(tests, `alertname="`+a.Alert+`",alertstate="firing",`) || strings.Contains(tests, "alertname: "+a.Alert+"\n")
		if !fires {
			t.Errorf("%s: no test in which it fires", a.Alert)
		}
		if severity := a.Labels["severity"]; severity != "page" && severity != "warn" {
			t.Errorf("%s: severity %q, want page or warn", a.Alert, severity)
		}
		for _, annotation := range []string{"summary", "description", "runbook_url"} {
			if a.Annotations[annotation] == "" {
				t.Errorf("%s: no %s", a.Alert, annotation)
			}
		}
	}
}

// Prometheus itself checks the queries that Grafana will send, with their variables replaced.
func TestDashboardQueriesAreValid(t *testing.T) {
	t.Parallel()
	fill := strings.NewReplacer("$__rate_interval", "1m", "$app", "ops|hr")
	type rule struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var rules []rule
	for i, query := range dashboardQueries(t) {
		rules = append(rules, rule{fmt.Sprintf("query_%d", i), fill.Replace(query)})
	}
	file, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}}) // JSON is YAML
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "dashboard.rules.yml")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", path)
}

var (
	quotedText = regexp.MustCompile(`"[^"]*"`)
	metricName = regexp.MustCompile(`\b(?:wecomq|asynq|promhttp|process|go)_[a-z0-9_]+`)
	selector   = regexp.MustCompile(`\b([a-z][a-z0-9_]+)\{([^}]*)\}`)
	labelName  = regexp.MustCompile(`([a-z_]+) *(?:=~|!~|!=|=)`)
)

// exported returns the metrics of an exposition, each with the names of its labels.
func exported(exposition string) map[string]map[string]bool {
	metrics := map[string]map[string]bool{}
	for line := range strings.Lines(exposition) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, _ := strings.Cut(line, "{")
		name = strings.Fields(name)[0]
		if metrics[name] == nil {
			metrics[name] = map[string]bool{"job": true, "instance": true}
		}
		for _, label := range labelName.FindAllStringSubmatch(quotedText.ReplaceAllString(rest, ""), -1) {
			metrics[name][label[1]] = true
		}
	}
	return metrics
}

// observedToken is a token of the gateways that serve starts.
const observedToken = "a token of the tests"

// serve starts a gateway and a worker whose app has a day quota, and returns the gateway's address.
func (l *landscape) serve() (server *process, url string) {
	l.Helper()
	config := filepath.Join(l.TempDir(), "wecomq.yaml")
	text := fmt.Sprintf(`
redis: {url: %q}
apps:
  default: {corp_id: %s, agent_id: %d, secret: %s, api_base_url: %q, limits: {seats: 5}}
gateway:
  tokens: [{name: tests, sha256: "%x", apps: [default], scopes: [send, read, admin]}]
`, l.redis.URL, wecomtest.CorpID, wecomtest.AgentID, wecomtest.Secret, l.url, sha256.Sum256([]byte(observedToken)))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		l.Fatal(err)
	}
	server = start(l.T, l.environ(), "serve", "-c", config, "--listen", "127.0.0.1:0")
	var up struct{ Addr string }
	if err := json.Unmarshal([]byte(server.awaitLine(`"gateway is up"`)), &up); err != nil {
		l.Fatal(err)
	}
	server.awaitLine(`"lane is up"`)
	return server, "http://" + up.Addr
}

// A dashboard panel or an alert on a metric that does not exist stays silent for ever. So one process sends
// messages that make every metric appear, and its metrics are read.
func TestDashboardAndAlertsUseMetricsThatExist(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	_, url := l.serve()
	// More to one member in a minute than WeCom accepts: the last ones are held.
	var batch strings.Builder
	for i := range 32 {
		fmt.Fprintf(&batch, `{"touser":"zhangsan","msgtype":"text","text":{"content":"text %d"}}`+"\n", i)
	}
	l.run(batch.String(), "send", "--batch", "-f", "-")
	// The server's own first audit is a minute away.
	books := audit.New(l.rdb, audit.App{Name: "default", Ledger: ledger.New(l.rdb, "default", time.Hour), RecordTTL: time.Hour})
	if _, err := books.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	var metrics map[string]map[string]bool
	var exposition string
	waittest.Until(t, "a message was sent and one was held", func() bool {
		exposition = string(fetch(t, http.MethodGet, url+"/metrics", ""))
		metrics = exported(exposition)
		return metrics["wecomq_hold_seconds_count"] != nil && metrics["wecomq_quota_remaining"] != nil &&
			strings.Contains(exposition, `state="accepted"`) && metrics["asynq_queue_size"] != nil && metrics["wecomq_audit_imbalance"] != nil
	})
	queries := dashboardQueries(t)
	for _, a := range alerts(t) {
		queries = append(queries, a.Expr)
	}
	for _, query := range queries {
		for _, name := range metricName.FindAllString(quotedText.ReplaceAllString(query, `""`), -1) {
			if metrics[name] == nil {
				t.Errorf("nobody exports %s, of the query %s", name, query)
			}
		}
		for _, match := range selector.FindAllStringSubmatch(query, -1) {
			for _, label := range labelName.FindAllStringSubmatch(quotedText.ReplaceAllString(match[2], ""), -1) {
				if labels := metrics[match[1]]; !labels[label[1]] {
					t.Errorf("%s has the labels %q, but not %s, of the query %s", match[1], slices.Sorted(maps.Keys(labels)), label[1], query)
				}
			}
		}
	}
	if strings.Contains(exposition, "zhangsan") {
		t.Error("a userid is a label")
	}
	promtoolOn(t, exposition, "check", "metrics")
}

func TestMetricsCountTheCallsOfAGateway(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	config := l.gatewayConfig("", "", gatewayToken)
	front := start(t, l.environ(), "gateway", "-c", config)
	url := gatewayURL(front)
	client, err := wecom.NewClient(wecom.Config{CorpID: wecomtest.CorpID, Secret: gatewayToken, BaseURL: url})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.UploadMedia(t.Context(), wecom.MediaFile, "a.txt", []byte("some text")); err != nil {
		t.Fatal(err)
	}
	start(t, l.environ(), "worker", "-c", config).awaitLine(`"lane is up"`)
	_, sent := post(t, url, gatewayToken, "k")
	l.awaitRecord(config, sent.ID, tasks.Accepted)
	if code, body := call(t, http.MethodPost, url+"/v1/messages/"+sent.ID+"/recall", gatewayToken); code != http.StatusOK {
		t.Fatalf("recall: HTTP %d %s", code, body)
	}
	text := string(fetch(t, http.MethodGet, url+"/metrics", ""))
	for _, api := range []string{"media/upload", message.APIRecall} {
		if want := `wecomq_api_requests_total{api="` + api + `",app="ops",errcode="0"} 1`; !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}
