package webhook

import (
	"time"

	"github.com/wecomq/wecomq/message"
)

// rehearsals returns sample data for a template of this name.
func rehearsals(name string) []any {
	defaults := DefaultConfig()
	if name == digestText || name == digestMarkdown {
		r := &Renderer{severity: defaults.Severity, zone: time.UTC}
		return []any{r.digestView(gathered{
			kind: message.TypeMarkdown, messages: 2, from: time.Unix(0, 0), until: time.Unix(60, 0),
			lines: []line{
				{status: Firing, name: "HighCPU", who: "10.0.0.1:9100", count: 3},
				{status: Resolved, rank: 3, name: "DiskFull", count: 1},
			},
		}, 1)}
	}
	v := sizes[0]
	v.severity, v.hidden, v.zone = defaults.Severity, defaults.Labels, time.UTC
	firing, resolved := rehearsal(Firing), rehearsal(Resolved)
	return []any{v.view(firing, 1), v.view(resolved, 1), v.view(firing.with(append(firing.Alerts, resolved.Alerts...)), 2)}
}

// rehearsal is a sample notification of one alert.
func rehearsal(status Status) Notification {
	labels := map[string]string{alertName: "HighCPU", "instance": "10.0.0.1:9100", "severity": "critical"}
	annotations := map[string]string{"summary": "CPU", "description": "CPU 95%", "runbook_url": "https://runbooks.example/cpu"}
	alert := Alert{
		Status: status, Labels: labels, Annotations: annotations, StartsAt: time.Unix(0, 0),
		GeneratorURL: "https://prometheus.example/graph", Fingerprint: "e55b35fe2ba30b27",
		DashboardURL: "https://grafana.example/d/1", PanelURL: "https://grafana.example/d/1?viewPanel=1",
		SilenceURL: "https://grafana.example/silence", Values: map[string]string{"B": "95"},
	}
	if status == Resolved {
		alert.EndsAt = time.Unix(3600, 0)
	}
	return Notification{
		Source: Alertmanager, Receiver: "wecom", GroupKey: "{}", Status: status, ExternalURL: "https://alertmanager.example",
		GroupLabels: map[string]string{alertName: "HighCPU"}, CommonLabels: labels, CommonAnnotations: annotations,
		Alerts: []Alert{alert}, Truncated: 1,
	}
}
