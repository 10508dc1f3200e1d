//! What each command does.

use std::sync::{Arc, PoisonError};

use super::catalogue::{Catalogue, Reports, Who};
use super::command::Command;
use super::listing;
use super::render::Sheet;
use super::session::{Flow, Session};
use super::settings::Expanded;
use super::trouble::Trouble;
use super::visible::visible_lines;

impl Session {
    pub(super) async fn command(&mut self, command: Command) -> Result<Flow, Trouble> {
        match command {
            Command::Quit => return Ok(Flow::End),
            Command::Help => self.sheet(&listing::help())?,
            Command::Tables => {
                let catalogue = self.load().await?;
                self.sheet(&listing::tables(&catalogue))?;
            }
            Command::Table(name) => {
                let catalogue = self.load().await?;
                let found = catalogue.table(&name);
                let table = found.ok_or_else(|| listing::no_table(&name, &catalogue))?;
                self.sheet(&listing::columns(table))?;
                if let Some(description) = &table.description {
                    self.say(description);
                }
            }
            Command::Functions(prefix) => {
                let catalogue = self.load().await?;
                self.sheet(&listing::functions(&catalogue, &prefix))?;
            }
            Command::Reports => {
                let listed: Reports = self.get(Reports::PATH).await?;
                self.sheet(&listing::reports(&listed.reports))?;
            }
            Command::Who => {
                let who: Who = self.get(Who::PATH).await?;
                let url = self.access.asker().url().to_owned();
                self.sheet(&listing::who(&who, &url))?;
            }
            setting => self.set(setting)?,
        }
        Ok(Flow::On)
    }

    /// Changes how answers are shown, and says how they are from now on.
    fn set(&mut self, command: Command) -> Result<(), Trouble> {
        let on = |is_on: bool| if is_on { "on" } else { "off" };
        let settings = &mut self.settings;
        let said = match command {
            Command::Expanded(wanted) => {
                let other = match settings.expanded {
                    Expanded::Off => Expanded::On,
                    Expanded::On | Expanded::Auto => Expanded::Off,
                };
                settings.expanded = wanted.unwrap_or(other);
                format!("Rows one below the other: {}.", settings.expanded)
            }
            Command::Timing(wanted) => {
                settings.timing = wanted.unwrap_or(!settings.timing);
                format!("Timing is {}.", on(settings.timing))
            }
            Command::Wide(wanted) => {
                settings.wide = wanted.unwrap_or(!settings.wide);
                format!("Wide tables are {}.", on(settings.wide))
            }
            Command::Pager(wanted) => {
                settings.pager = wanted.unwrap_or(!settings.pager);
                format!("The pager is {}.", on(settings.pager))
            }
            Command::Format(wanted) => {
                settings.format = wanted.unwrap_or(settings.format);
                format!("The format is {}.", settings.format.name())
            }
            Command::Output(path) => {
                let redirected = self.sink.redirect(path.as_ref().map(Into::into));
                redirected.map_err(|error| {
                    let path = path.as_deref().unwrap_or_default();
                    Trouble::Client(format!("{path} cannot be written: {error}"))
                })?;
                match path {
                    Some(path) => format!("Answers go to {path}."),
                    None => "Answers are shown here.".to_owned(),
                }
            }
            _ => return Ok(()),
        };
        self.say(&said);
        Ok(())
    }

    /// Loads anew what there is to ask about.
    async fn load(&mut self) -> Result<Catalogue, Trouble> {
        let loaded: Catalogue = self.get(Catalogue::PATH).await?;
        let mut known = self
            .catalogue
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        known.clone_from(&loaded);
        Ok(loaded)
    }

    /// Loads in the background what completion should know.
    pub fn preload(&self) {
        let (asker, known) = (self.access.asker().clone(), Arc::clone(&self.catalogue));
        tokio::spawn(async move {
            // Without it, keywords are completed.
            if let Ok(loaded) = asker.get(Catalogue::PATH).await {
                *known.write().unwrap_or_else(PoisonError::into_inner) = loaded;
            }
        });
    }

    /// Shows what the client made itself.
    fn sheet(&mut self, sheet: &Sheet) -> Result<(), Trouble> {
        let looks = self.looks();
        let remarks = listing::show(sheet, &self.settings, looks, &mut self.sink)?;
        for remark in remarks {
            self.say(&format!("({remark})"));
        }
        Ok(())
    }

    /// Says something to people.
    fn say(&self, text: &str) {
        if !self.settings.quiet {
            eprintln!("{}", visible_lines(text));
        }
    }
}
