// Package budget enforces the limits of the gateway's tokens. Usage is stored in Redis, so the limits apply
// to all gateways together.
package budget

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// Limits are what a token may send; the zero value limits nothing.
type Limits struct {
	PerMinute        int // messages in a minute of Redis's clock; 0 for any number
	RecipientsPerDay int // in a day of China, as WeCom's own day quota; 0 likewise
	MaxRecipients    int // of one message; 0 likewise
	// Priorities are the permitted ones; nil for all.
	Priorities []tasks.Priority
	// NotToAll forbids messages to "@all".
	NotToAll bool
}

// Counted reports whether the token's usage has to be counted.
func (l Limits) Counted() bool { return l.PerMinute > 0 || l.RecipientsPerDay > 0 }

// The names of the limits, as in the config.
const (
	PerMinute        = "per_minute"
	RecipientsPerDay = "recipients_per_day"
)

// Permit reports whether a token of this name may send such a message at all; [Budget.Take] checks its usage.
// Errors are of type [*ForbiddenError].
func (l Limits) Permit(token string, to message.Recipients, priority tasks.Priority) error {
	if l.NotToAll && to.All() {
		return &ForbiddenError{"to_all", "touser", fmt.Sprintf("token %q may not send to %q (to_all); name users, departments or tags", token, message.AllUsers)}
	}
	if err := l.permitPriority(token, priority); err != nil {
		return err
	}
	if l.MaxRecipients == 0 && l.RecipientsPerDay == 0 {
		return nil
	}
	return l.permitCount(token, "touser", to.Unique().Count())
}

// PermitBroadcast is [Limits.Permit] for a broadcast, which is bulk, to this number of recipients.
func (l Limits) PermitBroadcast(token string, recipients int) error {
	if err := l.permitPriority(token, tasks.Bulk); err != nil {
		return err
	}
	return l.permitCount(token, "recipients", recipients)
}

func (l Limits) permitPriority(token string, priority tasks.Priority) error {
	if priority == "" {
		priority = tasks.Default
	}
	if len(l.Priorities) == 0 || slices.Contains(l.Priorities, priority) {
		return nil
	}
	allowed := make([]string, len(l.Priorities))
	for i, p := range l.Priorities {
		allowed[i] = string(p)
	}
	return &ForbiddenError{"priorities", "priority", fmt.Sprintf("%s, but token %q may only use %s", priority, token, strings.Join(allowed, ", "))}
}

// permitCount is the part of [Limits.Permit] about the number of recipients.
func (l Limits) permitCount(token, field string, recipients int) error {
	switch {
	case l.MaxRecipients > 0 && recipients > l.MaxRecipients:
		return &ForbiddenError{"max_recipients", field, fmt.Sprintf("%d recipients, but a message of token %q may have %d (max_recipients); split it", recipients, token, l.MaxRecipients)}
	case l.RecipientsPerDay > 0 && recipients > l.RecipientsPerDay:
		return &ForbiddenError{RecipientsPerDay, field, fmt.Sprintf("%d recipients, but token %q may reach %d a day (recipients_per_day); split it over several", recipients, token, l.RecipientsPerDay)}
	}
	return nil
}
