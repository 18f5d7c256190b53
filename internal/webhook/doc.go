// Package webhook turns the webhooks of Alertmanager, Grafana and other sources into messages. It parses a
// notification, that of another source by a [Mapping], decides who gets which of its alerts, renders them within
// WeCom's limits, and passes them to a [Queue]. The same notification from both Alertmanagers of a pair becomes
// one message, the end of an alert does not overtake its beginning, and messages beyond a member's threshold are
// collected in a digest.
package webhook
