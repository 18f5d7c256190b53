package main

import (
	"fmt"
	"strings"

	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/producer"
	"github.com/wecomq/wecomq/wecom"
)

// language is that of the locale.
func (g *globals) language() wecom.Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		switch locale, _ := g.lookupEnv(name); {
		case strings.HasPrefix(locale, string(wecom.Chinese)):
			return wecom.Chinese
		case locale != "":
			return wecom.English
		}
	}
	return wecom.English
}

// printReceipt prints what was enqueued.
func (g *globals) printReceipt(r producer.Receipt) error {
	if g.output != "text" {
		return printout.JSON(g.stdout, r)
	}
	text := fmt.Sprintf("%s  %s in %s", r.ID, r.State, r.Queue)
	if r.Parts > 0 {
		text += fmt.Sprintf(", %d parts", r.Parts)
	}
	if r.Duplicate {
		text += ", it was there already"
	}
	_, err := fmt.Fprintln(g.stdout, text)
	return err
}

// recordPrinter prints records in the form of --format.
func (g *globals) recordPrinter(format string) (*printout.Records, error) {
	if format == "" {
		format = "table"
		if g.output == "json" {
			format = "ndjson"
		}
	}
	records, err := printout.NewRecords(g.stdout, format)
	if err != nil {
		return nil, usagef("--format: %w", err)
	}
	return records, nil
}

// tellOutage says that the command continues after an outage.
func (g *globals) tellOutage(err error) {
	_, _ = fmt.Fprintf(g.stderr, "Redis is unavailable (%v); what happens meanwhile follows when it has recovered\n", err)
}
