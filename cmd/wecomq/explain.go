package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/wecomq/wecomq/internal/explanation"
	"github.com/wecomq/wecomq/internal/printout"
	"github.com/wecomq/wecomq/wecom"
)

// explanationForms are the lines of an explanation.
var explanationForms = map[wecom.Language]string{
	wecom.English: "%d  %s\n\nclass      %s\nwecomq     %s\nwhat to do %s\n",
	wecom.Chinese: "%d  %s\n\n类别     %s\nwecomq   %s\n处理办法 %s\n",
}

func newExplain(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [ERRCODE]",
		Short: "Explain a WeCom errcode and what to do about it",
		Long: `Explains what a WeCom errcode means, what wecomq does about it, and what you can
do. Without an errcode it lists all known errcodes. The output is Chinese if the locale
is (LC_ALL, LC_MESSAGES or LANG begins with zh).`,
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
	l := g.language()
	e := explanation.Of(code, l)
	if g.output == "json" {
		return printout.JSON(g.stdout, e)
	}
	_, err := fmt.Fprintf(g.stdout, explanationForms[l], e.Code, e.Meaning, e.Class, e.Effect, e.Hint)
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
		if _, err := fmt.Fprintf(g.stdout, "%8d  %-11s  %s\n", int64(code), code.Class(), code.MeaningIn(g.language())); err != nil {
			return err
		}
	}
	return nil
}
