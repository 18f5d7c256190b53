package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/config"
	"github.com/wecomq/wecomq/internal/webhook"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// webhooks is the beginning of a file whose next line is line 8, in gateway.webhooks.
const webhooks = minimal + "gateway:\n  webhooks:\n"

func TestEveryKeyOfWebhooksTakesEffect(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"alert.tmpl": "{{.Title}}", "backup.tmpl": "{{.job}}\n{{.text}}\n",
		"wecomq.yaml": webhooks + `
    type: text
    priority: bulk
    resolve: update
    dedup: 1m
    timezone: Asia/Shanghai
    severity: {label: level, order: [P1, P2]}
    labels: {to_user: who, to_party: dept, to_tag: ""}
    digest: {after: 0, window: 5m}
    grafana: {secret: "${HMAC}", header: X-Signature, timestamp_header: X-Time, max_age: 1m}
    templates: {text: alert.tmpl}
    sources:
      jenkins:
      ci: {preset: jenkins, severity: critical, labels: {team: "{{.team}}"}}
      backup:
        template_file: backup.tmpl
        dedup_key: "{{.job}}"
        resolved: '{{eq .state "ok"}}'
        skip: ""
    routes:
      - match: ['severity="critical"', 'team=~"db|infra", env!="dev"']
        app: ops
        to_user: [alice, bob]
        to_party: [2]
        to_tag: ["3"]
        type: textcard
        priority: critical
        digest: {after: 5}
      - to_user: ["@all"]
        type: template_card
        resolve: message
`,
	})
	cfg, err := config.Load(filepath.Join(dir, "wecomq.yaml"), environment(map[string]string{"HMAC": "s3cret"}))
	if err != nil {
		t.Fatal(err)
	}
	matchers, err := webhook.ParseMatchers(`severity="critical", team=~"db|infra", env!="dev"`)
	if err != nil {
		t.Fatal(err)
	}
	jenkins, _ := webhook.Preset("jenkins")
	ci := jenkins
	ci.Severity, ci.Labels = "critical", map[string]string{"team": "{{.team}}"}
	want := webhook.Config{
		Sources: map[webhook.Source]webhook.Mapping{
			"jenkins": jenkins, "ci": ci,
			"backup": {Template: "{{.job}}\n{{.text}}", DedupKey: "{{.job}}", Resolved: `{{eq .state "ok"}}`},
		},
		Type: message.TypeText, Priority: tasks.Bulk, Resolve: webhook.ResolveUpdate, Dedup: time.Minute, Timezone: "Asia/Shanghai",
		Severity:  webhook.Severity{Label: "level", Order: []string{"P1", "P2"}},
		Labels:    webhook.RecipientLabels{ToUser: "who", ToParty: "dept"},
		Digest:    webhook.Digest{Window: 5 * time.Minute},
		Grafana:   webhook.Signature{Secret: "s3cret", Header: "X-Signature", TimestampHeader: "X-Time", MaxAge: time.Minute},
		Templates: map[string]webhook.Template{"text": {File: "alert.tmpl", Source: "{{.Title}}"}},
		Routes: []webhook.Route{
			{
				App: "ops", Matchers: matchers, Type: message.TypeTextCard, Priority: tasks.Critical,
				To:     message.Recipients{Users: []string{"alice", "bob"}, Parties: []string{"2"}, Tags: []string{"3"}},
				Digest: &webhook.Digest{After: 5, Window: 5 * time.Minute},
			},
			{To: message.Recipients{Users: []string{"@all"}}, Type: message.TypeTemplateCard, Resolve: webhook.ResolveMessage},
		},
	}
	if diff := cmp.Diff(want, cfg.Gateway.Webhooks); diff != "" {
		t.Errorf("Webhooks (-want +got):\n%s", diff)
	}
}

func TestProblemsOfWebhooks(t *testing.T) {
	t.Parallel()
	const at = "wecomq.yaml:8: gateway.webhooks."
	tests := map[string]struct{ line, want string }{
		"unknown key":                {"tpye: text", "tpye: unknown key (known here: type, priority, resolve, dedup, timezone, severity, labels, digest, grafana, templates, sources, routes)"},
		"type that cannot be":        {"type: news", `type: "news" is not one of markdown, text, textcard, template_card`},
		"priority nobody knows":      {"priority: high", `priority: "high" is not one of critical, default, bulk`},
		"resolve of another kind":    {"resolve: always", `resolve: "always" is not one of message, update`},
		"dedup for days":             {"dedup: 48h", `dedup: "48h" is too long (at most 24h0m0s)`},
		"time zone nobody knows":     {"timezone: Beijing", `timezone: "Beijing" is not a time zone such as Asia/Shanghai, UTC or Local`},
		"digest after a negative":    {"digest: {after: -1}", `digest.after: "-1" is not a whole number from 0 to 1000`},
		"digest after too many":      {"digest: {after: 2000}", `digest.after: "2000" is not a whole number from 0 to 1000`},
		"window of no time":          {"digest: {window: 0s}", `digest.window: "0s" is too short (at least 1s)`},
		"empty severity":             {`severity: {order: [""]}`, "severity.order[0]: empty"},
		"empty secret":               {`grafana: {secret: ""}`, "grafana.secret: empty"},
		"template nobody knows":      {"templates: {html: x}", "templates.html: unknown key (known here: markdown, text, textcard, template_card, digest_markdown, digest_text)"},
		"template that is missing":   {"templates: {text: none.tmpl}", "templates.text: open none.tmpl: no such file or directory"},
		"template that is empty":     {"templates: {text: empty.txt}", "templates.text: empty.txt: nothing stands outside of {{define}}: that is what the message will say"},
		"template with a wrong name": {"templates: {text: bad.tmpl}", "templates.text: bad.tmpl:2:2: <.Name>: there is no field Name here (there are Source, Receiver, Status, Title, Severity, CommonSeverity, Color, FiringCount, ResolvedCount, Alerts, More, GroupLabels, CommonLabels, CommonAnnotations, ExternalURL, Link, CommonLine, Compact, Notice)"},
		"source of a bad name":       {"sources: {Backup: {}}", `sources.Backup: "Backup" is not a valid source name: 1 to 32 of a-z 0-9 _ - beginning with a letter or digit`},
		"source that is there":       {"sources: {grafana: {}}", "sources.grafana: grafana is built in; choose another name"},
		"source with a wrong key":    {"sources: {a: {tmplate: x}}", "sources.a.tmplate: unknown key (known here: preset, template, name, dedup_key, resolved, severity, starts_at, ends_at, link, skip, labels)"},
		"source of no preset":        {"sources: {a: {preset: nagios}}", `sources.a.preset: "nagios" is not one of gitlab, grafana-legacy, jenkins, nightingale, sentry, uptime-kuma, zabbix`},
		"source that does not parse": {`sources: {a: {template: "{{.a"}}`, "sources.a.template: line:1: unclosed action"},
		"source without a function":  {`sources: {a: {dedup_key: "{{env .a}}"}}`, `sources.a.dedup_key: line:1: function "env" not defined`},
		"source with a bad label":    {`sources: {a: {labels: {team: "{{"}}}`, "sources.a.labels.team: line:1: unclosed action"},
		"source that is a list":      {"sources: {a: []}", "sources.a: want a mapping of keys to values"},
		"route to nobody":            {"routes: [{match: ['a=\"b\"']}]", "routes[0]: nobody is named (set to_user, to_party or to_tag)"},
		"route to a display name":    {"routes: [{to_user: [张三]}]", `routes[0].to_user: "张三" is not a userid: 1 to 64 of A-Z a-z 0-9 _ - @ . beginning with a letter or digit; a display name does not work`},
		"route to a word for a tag":  {"routes: [{to_tag: [ops]}]", `routes[0].to_tag: "ops" is not a tag id: digits only`},
		"route with a bad matcher":   {"routes: [{to_user: [a], match: [severity]}]", `routes[0].match[0]: "severity" is no matcher such as severity="critical" (with =, !=, =~ or !~)`},
		"route of another app":       {"routes: [{to_user: [a], app: hr}]", `routes[0].app: "hr" is not one of ops`},
		"route that changes text":    {"routes: [{to_user: [a], resolve: update}]", "routes[0].resolve: update changes cards, and the type here is markdown (set type: template_card)"},
		"route that is a value":      {"routes: [a]", "routes[0]: want a mapping of keys to values"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{
				"wecomq.yaml": webhooks + "    " + tt.line + "\n", "empty.txt": "\n", "bad.tmpl": "\n{{.Name}}",
			})
			_, err := config.Load(filepath.Join(dir, "wecomq.yaml"), environment(nil))
			if err == nil || strings.ReplaceAll(err.Error(), dir+"/", "") != at+tt.want {
				t.Errorf("Load = %v\nwant   %s", err, at+tt.want)
			}
		})
	}
}
