internal import CClamAV

print(unsafe String(cString: cl_retver()))
