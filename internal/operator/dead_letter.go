package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// DeadLetter describes a failed message, or part.
type DeadLetter struct {
	Record tasks.Record    `json:"record"`
	Why    string          `json:"why"`
	Hint   string          `json:"hint"`
	Body   json.RawMessage `json:"body,omitempty"` // as sent to WeCom
}

// PartsNamed returns all parts for the id of a message, and one for that of a part.
func PartsNamed(whole tasks.Record, id string) []tasks.Record {
	if len(whole.Parts) == 0 {
		return []tasks.Record{whole}
	}
	return slices.DeleteFunc(slices.Clone(whole.Parts), func(part tasks.Record) bool {
		return id != tasks.MessageID(id) && part.ID != id
	})
}

// Explain describes why a message failed, and what can be done.
func (o *Operator) Explain(ctx context.Context, r tasks.Record) (DeadLetter, error) {
	letter := DeadLetter{Record: r, Why: r.ErrMsg, Hint: hint(r)}
	payload, err := o.Ledger.Payload(ctx, r.ID, r.Type)
	if errors.Is(err, ledger.ErrNotFound) { // it was purged
		return letter, nil
	}
	letter.Body = payload.Body
	return letter, err
}

// hint says what can be done about a failed message.
func hint(r tasks.Record) string {
	switch {
	case r.ReplayedAs != "":
		return fmt.Sprintf("It was replayed; see 'wecomq result %s'.", r.ReplayedAs)
	case r.Type == tasks.CardUpdateType && r.State == tasks.Unknown:
		return "Look at the card, if it has changed. If not, send a new one: WeCom takes a response_code once."
	case r.Type == tasks.CardUpdateType:
		return wecom.Code(r.ErrCode).Hint() + fmt.Sprintf(" Then 'wecomq card update %s'; a card whose code is used has to be sent anew.", r.UpdateOf)
	case r.State == tasks.Unknown:
		return fmt.Sprintf("Ask a recipient. If it did not arrive: 'wecomq dead replay %s'; if it did, that doubles it.", r.ID)
	case r.State == tasks.Partial:
		return fmt.Sprintf("Once they can be reached, 'wecomq dead replay %s' sends it to them only.", r.ID)
	case r.ErrCode == 0:
		return fmt.Sprintf("Fix what errmsg names, then 'wecomq dead replay %s'.", r.ID)
	}
	return wecom.Code(r.ErrCode).Hint() + fmt.Sprintf(" Then 'wecomq dead replay %s'; a message that is itself at fault has to be sent anew.", r.ID)
}
