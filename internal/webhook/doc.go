// Package webhook turns the webhooks of Alertmanager and Grafana into messages:
// it reads a notification, decides who gets which of its alerts, renders them
// within WeCom's limits, and hands them to a [Queue]. The same notification
// from both halves of an Alertmanager pair is one message, the end of an alert does
// not overtake its beginning, and what exceeds a member's threshold is gathered into
// one digest.
package webhook
