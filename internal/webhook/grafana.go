package webhook

// ParseGrafana parses the body of a webhook contact point of Grafana's unified
// alerting. Its error is a [*SyntaxError] or an [*InvalidError].
func ParseGrafana(body []byte) (Notification, error) {
	p, err := decode(body)
	if err != nil {
		return Notification{}, err
	}
	if p.Version == "4" && p.OrgID == nil {
		return Notification{}, &InvalidError{"version", "this is Alertmanager's webhook; post it to /v1/webhooks/alertmanager/{app}"}
	}
	return p.notification(Grafana)
}

// Parse parses the body of either source.
func Parse(body []byte) (Notification, error) {
	p, err := decode(body)
	if err != nil {
		return Notification{}, err
	}
	if p.OrgID != nil || p.Version == "1" {
		return p.notification(Grafana)
	}
	return ParseAlertmanager(body)
}
