package webhook

import "fmt"

// ParseAlertmanager parses the body of Alertmanager's webhook receiver, version 4.
// Its error is a [*SyntaxError] or an [*InvalidError].
func ParseAlertmanager(body []byte) (Notification, error) {
	p, err := decode(body)
	if err != nil {
		return Notification{}, err
	}
	switch {
	case p.OrgID != nil:
		return Notification{}, &InvalidError{"orgId", "this is Grafana's webhook; post it to /v1/webhooks/grafana/{app}"}
	case p.Version != "4" && p.Version != "":
		return Notification{}, &InvalidError{"version", fmt.Sprintf("%.20q; version 4 is understood", p.Version)}
	}
	return p.notification(Alertmanager)
}
