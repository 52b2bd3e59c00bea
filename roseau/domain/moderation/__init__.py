"""Moderation with a clock, reasons, appeal and a public record: `docs/moderation.md` is its design."""
