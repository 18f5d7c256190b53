package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/operator"
	"github.com/wecomq/wecomq/internal/textfile"
	"github.com/wecomq/wecomq/message"
)

func newCard(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "card",
		Short: "Update template cards that were sent",
		Long: `Updates template cards that were sent. WeCom allows one update per card, within 72 hours,
and only of cards with buttons, a vote, questions or an action_menu.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("unknown command %q for \"wecomq card\"%s; see 'wecomq card --help'", args[0], suggestion(cmd, args[0]))
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newCardUpdate(g))
	return cmd
}

// cardUpdateFlags are the flags of `wecomq card update`.
type cardUpdateFlags struct {
	file    string
	wait    bool
	timeout time.Duration
}

func newCardUpdate(g *globals) *cobra.Command {
	f := &cardUpdateFlags{}
	cmd := &cobra.Command{
		Use:   "update ID",
		Short: "Update a template card that was sent",
		Long: `Updates the card of a message, by the message's id. The update is a task like any
other: it waits in the queue of the card, keeps to the app's rate, is retried, and has
its own record. Prints {"id","app","queue","state","duplicate"}, where id is that
of the update; the card's record has it as updated_as.

The file holds the JSON of WeCom's message/update_template_card, without
response_code and agentid, which wecomq fills in:

  {"button":{"replace_name":"Approved"}}     greys out the buttons and labels them
  {"template_card":{"card_type":…}}          replaces the card with one of any type

userids, partyids and tagids limit the update to some recipients; without them it
applies to everyone who got the card.

Repeating the command returns the same update. A failed update leaves the card
unchanged, and it can be updated again. Exits 1 if the card cannot be updated: it was
updated before (the error says by which update, and when), is older than 72 hours,
was not sent yet, was not accepted, was recalled, or WeCom gave no response_code for
it. A card in parts can be updated once all its parts are finished; the update has the
same parts. The id of a part, such as ID.2, updates only that part.`,
		Example: `  echo '{"button":{"replace_name":"Approved"}}' | wecomq card update ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E -f -
  wecomq card update ops-01K9Z3V6C8W5N3T1Q0R7XJ4M2E -f resolved.json --wait -o text`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if err := validateIDs(ids); err != nil {
				return err
			}
			switch {
			case f.file == "":
				return usagef("card update: give the change with --file, - for stdin; see 'wecomq card update --help'")
			case f.timeout <= 0:
				return usagef("--timeout: %s is not positive", f.timeout)
			}
			return runCardUpdate(cmd.Context(), g, f, ids[0])
		},
	}
	cmd.Flags().StringVarP(&f.file, "file", "f", "", "message/update_template_card JSON `FILE`, - for stdin")
	cmd.Flags().BoolVar(&f.wait, "wait", false, "wait until the update is finished and print its record; exit 3 if it was rejected")
	cmd.Flags().DurationVar(&f.timeout, "timeout", time.Minute, "how long --wait waits; exit 4 after that")
	return cmd
}

func runCardUpdate(ctx context.Context, g *globals, f *cardUpdateFlags, id string) error {
	update, err := f.read(g)
	if err != nil {
		return err
	}
	d, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	ctx = acting(ctx, d)
	app, err := d.AppOf(id)
	if err != nil {
		return err
	}
	op, err := d.Operator(app)
	if err != nil {
		return err
	}
	receipt, err := op.UpdateCard(ctx, id, update, "")
	if err != nil {
		return updateError(err)
	}
	if !f.wait {
		return g.printReceipt(receipt)
	}
	return newWaiter(g, d, f.timeout).one(ctx, receipt)
}

// updateError distinguishes an invalid update and an unchangeable card from a Redis that did not answer.
func updateError(err error) error {
	_, invalid := errors.AsType[*message.ValidationError](err)
	switch {
	case invalid:
		return &exitError{exitUsage, err}
	case !operator.IsGone(err) && !errors.Is(err, operator.ErrNotSentYet):
		return fmt.Errorf("not enqueued: %w; repeat the command: it finds the same update", err)
	}
	return err
}

// read reads the update, and checks everything that does not need the card's record.
func (f *cardUpdateFlags) read(g *globals) (message.UpdateTemplateCardRequest, error) {
	data, err := g.readFile("--file", f.file)
	if err != nil {
		return message.UpdateTemplateCardRequest{}, err
	}
	update, err := message.ParseCardUpdate(textfile.TrimMark(data))
	if err == nil {
		err = update.ValidateContent()
	}
	if err != nil {
		return update, usagef("%s: %w", f.file, err)
	}
	return update, nil
}
