package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/wecom"
)

// explanation is what `wecomq explain` says of an errcode.
type explanation struct {
	Code    int64  `json:"errcode"`
	Class   string `json:"class"`
	Meaning string `json:"meaning"`
	Hint    string `json:"hint"`
	Effect  string `json:"effect"`
}

// effects say what wecomq does with a message and its app, by class.
var effects = map[wecom.Class]string{
	wecom.ClassOK:          "The message is accepted; recipients that WeCom refused are in its record.",
	wecom.ClassTransient:   "The message is retried: three times within seconds, then at growing intervals.",
	wecom.ClassRate:        "The message is held and uses up no attempt; the app cools down on all hosts.",
	wecom.ClassConcurrency: "The message is retried in one to three seconds and uses up no attempt.",
	wecom.ClassToken:       "A new access token is fetched, once for all processes, and the same attempt continues.",
	wecom.ClassMedia:       "The message is rejected: upload the file again and send a new message.",
	wecom.ClassRecipient:   "The message is rejected; its recipients are in the record.",
	wecom.ClassContent:     "The message is rejected: WeCom will not accept it as it is.",
	wecom.ClassConfig:      "The message is held, not lost, and retried every few minutes; if the whole app is affected, it is suspended.",
	wecom.ClassOther:       "The message is rejected: retrying would not help.",
}

func newExplain(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [ERRCODE]",
		Short: "Explain a WeCom errcode and what to do about it",
		Long: `Explains what a WeCom errcode means, what wecomq does about it, and what you can
do. Without an errcode it lists all known errcodes.`,
		Example: "  wecomq explain 60020\n  wecomq explain -o json 45009",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return g.explainAll()
			}
			n, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return usagef("explain: %q is not an errcode, a number such as 45009", args[0])
			}
			return g.explain(wecom.Code(n))
		},
	}
}

func (g *globals) explain(code wecom.Code) error {
	e := explanation{int64(code), code.Class().String(), code.Meaning(), code.Hint(), effects[code.Class()]}
	if g.output == "json" {
		return printJSON(g.stdout, e)
	}
	_, err := fmt.Fprintf(g.stdout, "%d  %s\n\nclass      %s\nwecomq     %s\nwhat to do %s\n", e.Code, e.Meaning, e.Class, e.Effect, e.Hint)
	return err
}

func (g *globals) explainAll() error {
	for _, code := range wecom.Codes() {
		if g.output == "json" {
			if err := g.explain(code); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(g.stdout, "%8d  %-11s  %s\n", int64(code), code.Class(), code.Meaning()); err != nil {
			return err
		}
	}
	return nil
}
