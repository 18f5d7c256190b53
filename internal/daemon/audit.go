package daemon

import (
	"github.com/wecomq/wecomq/internal/audit"
	"github.com/wecomq/wecomq/internal/config"
)

// Auditor returns an auditor of some apps.
func (d *Deployment) Auditor(apps ...*config.App) *audit.Auditor {
	audited := make([]audit.App, len(apps))
	for i, app := range apps {
		audited[i] = audit.App{Name: app.Name, Ledger: d.Ledger(app), RecordTTL: app.RecordTTL}
	}
	return audit.New(d.rdb, audited...)
}
