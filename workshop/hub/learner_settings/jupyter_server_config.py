"""How each learner's JupyterLab is set up."""

c = get_config()  # noqa: F821

# Sockets in the learner's own folder: at a port, every account of the machine could listen to what a kernel prints.
c.ConnectionFileMixin.transport = "ipc"
c.KernelManager.transport = "ipc"

# A kernel holds half a gigabyte and more. One that has done nothing for half an hour ends; its notebook stays.
c.MappingKernelManager.cull_idle_timeout = 1800
c.MappingKernelManager.cull_interval = 120
c.MappingKernelManager.cull_connected = True

c.ServerApp.jpserver_extensions = {"share_progress": True, "take_home": True}

# JupyterLab would look for language servers with npm at each start: seconds for nothing, thirty times.
c.LanguageServerManager.autodetect = False
