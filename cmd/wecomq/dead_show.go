package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/harmless"
	"github.com/wecomq/wecomq/internal/ledger"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

// deadLetter is what `wecomq dead show` says of a message, or part, that failed.
type deadLetter struct {
	Record tasks.Record    `json:"record"`
	Why    string          `json:"why"`
	Hint   string          `json:"hint"`
	Body   json.RawMessage `json:"body,omitempty"` // what WeCom got
}

func newDeadShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show why a message failed, and what to do",
		Long: `Shows the record of a message that failed, why it failed, what to do about it, and
the body that was sent. If the message is in parts, it shows each part that failed.`,
		Example: `  wecomq dead show ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E
  wecomq dead show -o json ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := validateIDs(ids); err != nil {
				return err
			}
			d, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer d.Close()
			return runDeadShow(cmd.Context(), g, d, ids[0])
		},
	}
}

func runDeadShow(ctx context.Context, g *globals, d *daemon.Deployment, id string) error {
	whole, err := findByID(ctx, d, id)
	if err != nil {
		return err
	}
	shown := 0
	for _, record := range partsNamed(whole, id) {
		if !record.State.Replayable() {
			continue
		}
		letter, err := explainDead(ctx, d, record)
		if err != nil {
			return err
		}
		if err := g.printDead(letter); err != nil {
			return err
		}
		shown++
	}
	if shown == 0 {
		return fmt.Errorf("%s is %s, which is no dead letter; see 'wecomq result %s'", id, whole.State, id)
	}
	return nil
}

// partsNamed are all parts for the id of a message, and one for that of a part.
func partsNamed(whole tasks.Record, id string) []tasks.Record {
	if len(whole.Parts) == 0 {
		return []tasks.Record{whole}
	}
	return slices.DeleteFunc(slices.Clone(whole.Parts), func(part tasks.Record) bool {
		return id != tasks.MessageID(id) && part.ID != id
	})
}

func explainDead(ctx context.Context, d *daemon.Deployment, r tasks.Record) (deadLetter, error) {
	letter := deadLetter{Record: r, Why: r.ErrMsg, Hint: deadHint(r)}
	app, err := d.Config.App(r.App)
	if err != nil {
		return letter, err
	}
	payload, err := d.Ledger(app).Payload(ctx, r.ID, r.Type)
	if errors.Is(err, ledger.ErrNotFound) { // it was purged
		return letter, nil
	}
	letter.Body = payload.Body
	return letter, err
}

// deadHint says what can be done about a message that failed.
func deadHint(r tasks.Record) string {
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

func (g *globals) printDead(l deadLetter) error {
	if g.output == "json" {
		return printout.JSON(g.stdout, l)
	}
	if err := printout.Record(g.stdout, l.Record, g.language()); err != nil {
		return err
	}
	body := string(l.Body)
	if body == "" {
		body = "purged: it cannot be replayed"
	}
	_, err := fmt.Fprintf(g.stdout, "why         %s\nwhat to do  %s\nbody        %s\n\n", harmless.Line(l.Why), l.Hint, body)
	return err
}
