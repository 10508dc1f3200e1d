//! What functions find in the options of their session, where nobody sets it.

/// Makes a type such a thing, by a name that no other has.
macro_rules! carried {
    ($type:ty, $name:literal) => {
        impl ::datafusion::common::config::ConfigExtension for $type {
            const PREFIX: &'static str = $name;
        }

        impl ::datafusion::common::config::ExtensionOptions for $type {
            fn as_any(&self) -> &dyn ::std::any::Any {
                self
            }

            fn as_any_mut(&mut self) -> &mut dyn ::std::any::Any {
                self
            }

            fn cloned(&self) -> Box<dyn ::datafusion::common::config::ExtensionOptions> {
                Box::new(self.clone())
            }

            fn set(&mut self, key: &str, _: &str) -> ::datafusion::error::Result<()> {
                ::datafusion::common::exec_err!("there is no option {key}")
            }

            fn entries(&self) -> Vec<::datafusion::common::config::ConfigEntry> {
                Vec::new()
            }
        }
    };
}

pub(crate) use carried;
